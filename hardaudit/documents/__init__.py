"""YAML files of policies and checks: read safely, with positions, and held against JSON Schemas; every fault is one line that says where."""
