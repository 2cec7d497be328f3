"""The machines that the testbed imitates, as arguments of QEMU."""

from dataclasses import dataclass, field

KERNEL_ARGUMENTS = (
    'console=ttyS0 panic=-1 quiet loglevel=3 mitigations=off norandmaps init_on_alloc=0 '
    'tsc=reliable clocksource=tsc no_timer_check lpj=9781780 nowatchdog rcupdate.rcu_expedited=1 '
    'random.trust_cpu=on cryptomgr.notests audit=0 apparmor=0 8250.nr_uarts=1'
)


@dataclass(frozen=True)
class Node:
    """A NUMA node: its memory (MiB; 0 is a node to plug memory into) and its CPUs, if any."""

    memory: int
    cpus: str = ''
    initiator: int | None = None


@dataclass(frozen=True)
class Profile:
    """One kind of machine."""

    about: str
    nodes: list[Node]
    smp: str
    distances: dict[tuple[int, int], int]
    cpu: str = 'max'
    machine: str = 'q35'
    more_memory: str = ''
    devices: list[str] = field(default_factory=list)
    # Shell text that the guest runs once, when the template is made.
    setup: str = ''

    def arguments(self, backend):
        """QEMU's arguments; `backend(node number, MiB)` says what backs a node's memory."""
        total = sum(node.memory for node in self.nodes)
        result = ['-cpu', self.cpu, '-machine', self.machine, '-smp', self.smp]
        result += ['-m', f'{total}M{self.more_memory}']
        for number, node in enumerate(self.nodes):
            text = f'node,nodeid={number}'
            if node.memory:
                result += ['-object', f'{backend(number, node.memory)},id=ram{number}']
                text += f',memdev=ram{number}'
            if node.cpus:
                text += f',cpus={node.cpus}'
            if node.initiator is not None:
                text += f',initiator={node.initiator}'
            result += ['-numa', text]
        for (source, target), value in self.distances.items():
            result += ['-numa', f'dist,src={source},dst={target},val={value}']
        return result + self.devices


def _memory_figures():
    """The hmat profile's latency (ns) and bandwidth for each pair of initiator and target."""
    figures = {
        (0, 0): (10, '100G'), (0, 1): (20, '50G'), (0, 2): (200, '20G'),
        (1, 0): (20, '50G'), (1, 1): (10, '100G'), (1, 2): (250, '15G'),
    }
    result = []
    for (initiator, target), (latency, bandwidth) in figures.items():
        pair = f'hmat-lb,initiator={initiator},target={target},hierarchy=memory'
        result += ['-numa', f'{pair},data-type=access-latency,latency={latency}']
        result += ['-numa', f'{pair},data-type=access-bandwidth,bandwidth={bandwidth}']
    return result


def _devices_near_nodes():
    """A PCI bridge on each node with a device behind it."""
    result = []
    for node, bus in enumerate((32, 128)):
        for device in (
            f'pxb-pcie,bus=pcie.0,id=bridge{node},bus_nr={bus},numa_node={node}',
            f'pcie-root-port,bus=bridge{node},id=port{node},chassis={node + 1},slot={node + 1}',
            f'edu,bus=port{node}',
        ):
            result += ['-device', device]
    return result


_TWO_NODES = [Node(1024, '0-3'), Node(1024, '4-7')]
_TWO_SOCKETS = '8,sockets=2,cores=4,threads=1'
_FAR = {(0, 1): 21}

PROFILES = {
    'numa2': Profile('8 CPUs on 2 nodes', _TWO_NODES, _TWO_SOCKETS, _FAR),
    'numa4': Profile(
        '8 CPUs on 4 nodes, two and two nearer to each other',
        [Node(512, cpus) for cpus in ('0-1', '2-3', '4-5', '6-7')],
        '8,sockets=4,cores=2,threads=1',
        {(0, 1): 16, (0, 2): 22, (0, 3): 22, (1, 2): 22, (1, 3): 22, (2, 3): 16},
    ),
    'smt': Profile(
        '4 cores of 2 threads on 2 nodes', _TWO_NODES, '8,sockets=2,cores=2,threads=2', _FAR,
        cpu='Skylake-Server',
    ),
    'hmat': Profile(
        'numa2 and a slower node of memory only',
        [Node(1024, '0-3', 0), Node(1024, '4-7', 1), Node(512, '', 0)],
        _TWO_SOCKETS, {(0, 1): 21, (0, 2): 17, (1, 2): 28},
        machine='q35,hmat=on', devices=_memory_figures(),
    ),
    'hotplug': Profile(
        'numa2 with 6 of 8 CPUs, and an empty node: the others, and memory, can be plugged in',
        [Node(1024, '0-3'), Node(1024, '4-7'), Node(0)], '6,sockets=2,cores=4,threads=1,maxcpus=8',
        {(0, 1): 21, (0, 2): 17, (1, 2): 28}, more_memory=',slots=4,maxmem=8G',
    ),
    'pci': Profile(
        'numa2 with a PCI device near each node', _TWO_NODES, _TWO_SOCKETS, _FAR,
        devices=_devices_near_nodes(),
    ),
    'hybrid': Profile(
        'numa2, where hwloc sees performance cores (0-1,4-5) and efficiency cores (2-3,6-7)',
        _TWO_NODES, _TWO_SOCKETS, _FAR, setup='imitate-hybrid',
    ),
}
