import PoiseModel
