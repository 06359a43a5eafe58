"""apollobench: curate a video benchmark from public ones, and score any model on it with honest error bars."""

from apollobench.apollo.hf.register import register_when_imported
from apollobench.torchvision_on_cpu import complete_when_imported

__version__ = "0.1.0"

register_when_imported()
complete_when_imported()
