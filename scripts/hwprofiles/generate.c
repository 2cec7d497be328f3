/* Makes one hardware profile: described facts in, hwloc XML out.
 *
 *     generate FACTS > PROFILE.xml
 *
 * The facts are lines of `word value key=value`, indented by two spaces for what is inside what;
 * `xN` makes N of a line and of all below it; `#` begins a comment. The words:
 *
 *     product NAME            what the firmware calls the machine
 *     numbering MODE          how Linux counts the PUs: `adjacent` (SMT siblings side by side) or
 *                             `siblings-last` (first threads of all cores, then the second ones)
 *     kind NAME INFO=VALUE    a kind of core (hwloc CPU kind), named by `core` lines
 *     distances ROW / ROW     latencies between the nodes
 *     package, group          containers
 *     l3 SIZE, l2 SIZE        a cache that is shared by what is below it
 *     node SIZE               memory local to what it is in; `cpuless` is local to no PU
 *     core threads=N kind=K l2=SIZE l1=SIZE     a core with caches of its own
 *     device ADDRESS CLASS VENDOR:DEVICE NAME   a PCI device near what it is in
 *     os NAME TYPE INFO=VALUE                   what a driver calls the device that it is in
 *
 * The public interface of hwloc 2.9 can make neither uneven trees nor devices, so the XML is
 * written here, loaded by hwloc (which refuses what does not add up), checked, and written again
 * by hwloc: what comes out is hwloc's own text. Underscores in values stand for spaces.
 */
#define _GNU_SOURCE
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINES = 256, MAX_WORDS = 32, MAX_KINDS = 8 };

struct line {
  int depth, repeat, words;
  char *word[MAX_WORDS];
};

struct object {
  const struct line *line;
  struct object *child, *next;
  hwloc_bitmap_t pus, nodes;
  int index; /* of a package, node or core */
};

static struct line lines[MAX_LINES];
static int line_count, core_count, node_count, package_count, pu_count, next_id;
static const char *facts;

static void fail(const char *what, const char *on) {
  fprintf(stderr, "generate: %s: %s: %s\n", facts, what, on);
  exit(1);
}

/* The value of `key=value` in a line, or NULL. */
static const char *value(const struct line *line, const char *key) {
  size_t length = strlen(key);
  for (int i = 1; i < line->words; i++)
    if (!strncmp(line->word[i], key, length) && line->word[i][length] == '=')
      return line->word[i] + length + 1;
  return NULL;
}

static int has(const struct line *line, const char *word) {
  for (int i = 1; i < line->words; i++)
    if (!strcmp(line->word[i], word)) return 1;
  return 0;
}

static int is(const struct line *line, const char *word) { return !strcmp(line->word[0], word); }

static const struct line *top(const char *word) {
  for (int i = 0; i < line_count; i++)
    if (!lines[i].depth && is(&lines[i], word)) return &lines[i];
  return NULL;
}

static unsigned long long bytes(const char *text) {
  char *unit;
  unsigned long long amount = strtoull(text, &unit, 10);
  if (!strcmp(unit, "KiB")) return amount << 10;
  if (!strcmp(unit, "MiB")) return amount << 20;
  if (!strcmp(unit, "GiB")) return amount << 30;
  if (*unit) fail("no size", text);
  return amount;
}

static void read_facts(void) {
  FILE *file = fopen(facts, "r");
  char *text = NULL;
  size_t room = 0;
  if (!file) fail("cannot open", "no such file");
  while (getline(&text, &room, file) > 0) {
    text[strcspn(text, "#\n")] = 0;
    struct line *line = &lines[line_count];
    line->depth = (int)strspn(text, " ") / 2;
    line->repeat = 1;
    line->words = 0;
    char *rest = strdup(text);
    for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
      if (line->words == MAX_WORDS) fail("too many words", text);
      if (line->words && word[0] == 'x' && word[1] > '0' && word[1] <= '9')
        line->repeat = atoi(word + 1);
      else
        line->word[line->words++] = word;
    }
    if (line->words && ++line_count == MAX_LINES) fail("too many lines", text);
  }
  free(text);
  fclose(file);
}

/* Expands the lines from `at` on that are `depth` deep into objects; gives the line after. */
static int expand(int at, int depth, struct object **tail) {
  int end = at;
  while (at < line_count && lines[at].depth == depth) {
    const struct line *line = &lines[at];
    for (int i = 0; i < line->repeat; i++) {
      struct object *object = calloc(1, sizeof *object);
      object->line = line;
      object->pus = hwloc_bitmap_alloc();
      object->nodes = hwloc_bitmap_alloc();
      if (is(line, "core")) object->index = core_count++;
      if (is(line, "node")) hwloc_bitmap_set(object->nodes, object->index = node_count++);
      if (is(line, "package")) object->index = package_count++;
      *tail = object;
      tail = &object->next;
      end = expand(at + 1, depth + 1, &object->child);
    }
    at = end = end > at ? end : at + 1;
  }
  return at;
}

static int threads(const struct line *core) {
  const char *count = value(core, "threads");
  return count ? atoi(count) : 1;
}

/* Gives every core its PUs: all its threads, or only its thread `only`. */
static void number(struct object *object, int only) {
  for (; object; object = object->next) {
    if (is(object->line, "core"))
      for (int i = 0; i < threads(object->line); i++)
        if (only < 0 || i == only) hwloc_bitmap_set(object->pus, pu_count++);
    number(object->child, only);
  }
}

/* Sets of PUs and nodes of all objects; `near` are the nodes around them. */
static void gather(struct object *parent, hwloc_const_bitmap_t near) {
  hwloc_bitmap_t around = hwloc_bitmap_dup(near);
  for (struct object *child = parent->child; child; child = child->next)
    if (is(child->line, "node") && !has(child->line, "cpuless"))
      hwloc_bitmap_or(around, around, child->nodes);
  for (struct object *child = parent->child; child; child = child->next) {
    if (is(child->line, "node")) continue;
    gather(child, around);
    hwloc_bitmap_or(parent->pus, parent->pus, child->pus);
    hwloc_bitmap_or(parent->nodes, parent->nodes, child->nodes);
  }
  hwloc_bitmap_or(parent->nodes, parent->nodes, around);
  hwloc_bitmap_free(around);
}

static void set(FILE *out, const char *name, hwloc_const_bitmap_t bits) {
  char *text;
  hwloc_bitmap_asprintf(&text, bits);
  fprintf(out, " %s=\"%s\" complete_%s=\"%s\"", name, text, name, text);
  free(text);
}

static void begin(FILE *out, const char *type, const struct object *object) {
  fprintf(out, "<object type=\"%s\" gp_index=\"%d\"", type, ++next_id);
  if (!object) return;
  set(out, "cpuset", object->pus);
  set(out, "nodeset", object->nodes);
}

static void info(FILE *out, const char *name, size_t length, const char *text) {
  char *copy = strdup(text);
  for (char *c = copy; *c; c++)
    if (*c == '_') *c = ' ';
  fprintf(out, "<info name=\"%.*s\" value=\"%s\"/>\n", (int)length, name, copy);
  free(copy);
}

/* Every `Name=value` of a line whose name begins with a capital. */
static void infos(FILE *out, const struct line *line) {
  for (int i = 1; i < line->words; i++) {
    const char *equals = strchr(line->word[i], '=');
    if (equals && line->word[i][0] >= 'A' && line->word[i][0] <= 'Z')
      info(out, line->word[i], (size_t)(equals - line->word[i]), equals + 1);
  }
}

static int cache(FILE *out, const struct object *object, int level, const char *size) {
  char type[16];
  if (!size) return 0;
  snprintf(type, sizeof type, "L%dCache", level);
  begin(out, type, object);
  fprintf(out, " cache_size=\"%llu\" depth=\"%d\" cache_linesize=\"64\" cache_type=\"%d\">\n",
          bytes(size), level, level == 1);
  return 1;
}

static void core(FILE *out, const struct object *object) {
  int open = cache(out, object, 2, value(object->line, "l2"));
  open += cache(out, object, 1, value(object->line, "l1"));
  begin(out, "Core", object);
  fprintf(out, " os_index=\"%d\">\n", object->index);
  unsigned pu;
  hwloc_bitmap_foreach_begin(pu, object->pus)
    struct object thread = *object;
    thread.pus = hwloc_bitmap_alloc();
    hwloc_bitmap_set(thread.pus, pu);
    begin(out, "PU", &thread);
    fprintf(out, " os_index=\"%u\"/>\n", pu);
    hwloc_bitmap_free(thread.pus);
  hwloc_bitmap_foreach_end();
  for (; open >= 0; open--) fprintf(out, "</object>\n");
}

static void node(FILE *out, struct object *object, hwloc_const_bitmap_t around) {
  if (!has(object->line, "cpuless")) hwloc_bitmap_copy(object->pus, around);
  begin(out, "NUMANode", object);
  if (value(object->line, "subtype"))
    fprintf(out, " subtype=\"%s\"", value(object->line, "subtype"));
  fprintf(out, " os_index=\"%d\" local_memory=\"%llu\">\n", object->index,
          bytes(object->line->word[1]));
  infos(out, object->line);
  fprintf(out, "</object>\n");
}

static void device(FILE *out, const struct object *object) {
  const struct line *line = object->line;
  if (line->words < 5) fail("device wants address, class, ids and name", line->word[1]);
  unsigned bus = (unsigned)strtoul(line->word[1] + 5, NULL, 16);
  fprintf(out, "<object type=\"Bridge\" gp_index=\"%d\" bridge_type=\"0-1\" depth=\"0\" "
          "bridge_pci=\"%.4s:[%02x-%02x]\">\n", ++next_id, line->word[1], bus, bus);
  fprintf(out, "<object type=\"PCIDev\" gp_index=\"%d\" pci_busid=\"%s\" "
          "pci_type=\"%s [%s] [0000:0000] 00\" pci_link_speed=\"0.0\">\n",
          ++next_id, line->word[1], line->word[2], line->word[3]);
  info(out, "PCIDevice", 9, line->word[4]);
  for (const struct object *os = object->child; os; os = os->next) {
    int type = !strcmp(os->line->word[2], "gpu") ? HWLOC_OBJ_OSDEV_GPU : HWLOC_OBJ_OSDEV_COPROC;
    fprintf(out, "<object type=\"OSDev\" gp_index=\"%d\" name=\"%s\"", ++next_id,
            os->line->word[1]);
    if (value(os->line, "subtype")) fprintf(out, " subtype=\"%s\"", value(os->line, "subtype"));
    fprintf(out, " osdev_type=\"%d\">\n", type);
    infos(out, os->line);
    fprintf(out, "</object>\n");
  }
  fprintf(out, "</object>\n</object>\n");
}

static void children(FILE *out, const struct object *parent);

static void container(FILE *out, const struct object *object) {
  const struct line *line = object->line;
  if (is(line, "core")) {
    core(out, object);
    return;
  }
  if (is(line, "package")) {
    begin(out, "Package", object);
    fprintf(out, " os_index=\"%d\">\n", object->index);
    infos(out, line);
  } else if (is(line, "group")) {
    begin(out, "Group", object);
    fprintf(out, " kind=\"1001\" subkind=\"0\">\n");
  } else if (is(line, "l2") || is(line, "l3")) {
    cache(out, object, line->word[0][1] - '0', line->word[1]);
  } else {
    fail("unknown word", line->word[0]);
  }
  children(out, object);
  fprintf(out, "</object>\n");
}

/* hwloc wants memory first, then what computes, then devices. */
static void children(FILE *out, const struct object *parent) {
  static const char *const facts_only[] = {"product", "numbering", "kind", "distances"};
  for (struct object *child = parent->child; child; child = child->next)
    if (is(child->line, "node")) node(out, child, parent->pus);
  for (const struct object *child = parent->child; child; child = child->next) {
    int skip = is(child->line, "node") || is(child->line, "device");
    for (size_t i = 0; i < sizeof facts_only / sizeof *facts_only; i++)
      skip |= is(child->line, facts_only[i]);
    if (!skip) container(out, child);
  }
  for (const struct object *child = parent->child; child; child = child->next)
    if (is(child->line, "device")) device(out, child);
}

static void distances(FILE *out) {
  const struct line *line = top("distances");
  if (!line) return;
  fprintf(out, "<distances2 type=\"NUMANode\" nbobjs=\"%d\" kind=\"5\" name=\"NUMALatency\" "
          "indexing=\"os\">\n", node_count);
  char text[32];
  for (int i = 0; i < node_count; i++)
    fprintf(out, "<indexes length=\"%d\">%s</indexes>\n",
            snprintf(text, sizeof text, "%d ", i), text);
  int count = 0;
  for (int i = 1; i < line->words; i++) {
    if (!strcmp(line->word[i], "/")) continue;
    fprintf(out, "<u64values length=\"%d\">%s</u64values>\n",
            snprintf(text, sizeof text, "%s ", line->word[i]), text);
    count++;
  }
  if (count != node_count * node_count) fail("distances do not fit the nodes", facts);
  fprintf(out, "</distances2>\n");
}

static void of_kind(const struct object *object, const char *kind, hwloc_bitmap_t pus) {
  for (; object; object = object->next) {
    const char *own = is(object->line, "core") ? value(object->line, "kind") : NULL;
    if (own && !strcmp(own, kind)) hwloc_bitmap_or(pus, pus, object->pus);
    of_kind(object->child, kind, pus);
  }
}

static void kinds(FILE *out, const struct object *root) {
  for (int i = 0; i < line_count; i++) {
    if (lines[i].depth || !is(&lines[i], "kind")) continue;
    hwloc_bitmap_t pus = hwloc_bitmap_alloc();
    char *text;
    of_kind(root->child, lines[i].word[1], pus);
    if (hwloc_bitmap_iszero(pus)) fail("no core of kind", lines[i].word[1]);
    hwloc_bitmap_asprintf(&text, pus);
    fprintf(out, "<cpukind cpuset=\"%s\">\n", text);
    infos(out, &lines[i]);
    fprintf(out, "</cpukind>\n");
    free(text);
    hwloc_bitmap_free(pus);
  }
}

static void machine(FILE *out, struct object *root) {
  const struct line *product = top("product");
  char *pus, *nodes;
  hwloc_bitmap_asprintf(&pus, root->pus);
  hwloc_bitmap_asprintf(&nodes, root->nodes);
  fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n");
  begin(out, "Machine", root);
  fprintf(out, " os_index=\"0\" allowed_cpuset=\"%s\" allowed_nodeset=\"%s\">\n", pus, nodes);
  if (product) info(out, "DMIProductName", 14, product->word[1]);
  info(out, "PoiseProfile", 12, "described,_not_recorded");
  children(out, root);
  fprintf(out, "</object>\n");
  distances(out);
  kinds(out, root);
  fprintf(out, "</topology>\n");
}

/* Loads what was written, lets hwloc check it, and prints hwloc's own text of it. */
static void reprint(const char *xml, size_t size) {
  hwloc_topology_t topology;
  char *text;
  int length;
  hwloc_topology_init(&topology);
  hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
  if (hwloc_topology_set_xmlbuffer(topology, xml, (int)size + 1) || hwloc_topology_load(topology))
    fail("hwloc refuses", xml);
  hwloc_topology_check(topology);
  if (hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU) != pu_count ||
      hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE) != node_count)
    fail("hwloc dropped something of", xml);
  if (hwloc_topology_export_xmlbuffer(topology, &text, &length, 0)) fail("cannot export", facts);
  fputs(text, stdout);
  hwloc_free_xmlbuffer(topology, text);
  hwloc_topology_destroy(topology);
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: generate FACTS > PROFILE.xml\n");
    return 2;
  }
  facts = arguments[1];
  setenv("HWLOC_LIBXML", "0", 1);
  setenv("HWLOC_DONT_ADD_VERSION_INFO", "1", 1);
  read_facts();
  struct line machine_line = {.repeat = 1, .words = 1, .word = {"machine"}};
  struct object root = {.line = &machine_line};
  root.pus = hwloc_bitmap_alloc();
  root.nodes = hwloc_bitmap_alloc();
  expand(0, 0, &root.child);
  const struct line *numbering = top("numbering");
  if (numbering && !strcmp(numbering->word[1], "siblings-last"))
    for (int thread = 0; thread < 8; thread++) number(root.child, thread);
  else
    number(root.child, -1);
  hwloc_bitmap_t none = hwloc_bitmap_alloc();
  gather(&root, none);
  for (int i = 0; i < node_count; i++) hwloc_bitmap_set(root.nodes, (unsigned)i);
  char *xml;
  size_t size;
  FILE *out = open_memstream(&xml, &size);
  machine(out, &root);
  fclose(out);
  reprint(xml, size);
  return 0;
}
