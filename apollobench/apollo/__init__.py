"""The reference model: two vision towers, a resampling connector and a language model that reads clips with times."""
