"""Whether it can be told beforehand that sagas will be stuck: ailing services, recorded, held against detectors."""
