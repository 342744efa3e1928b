"""DRIVE: Digital Retinal Images for Vessel Extraction (Staal et al., 2004), https://doi.org/10.1109/TMI.2004.825627."""

from segwright.datasets.vessels import VesselDataset, vessel_source
from segwright.registry import DATASETS


@DATASETS.register
class DRIVE(VesselDataset):
    """Forty pictures of 565 x 584 pixels, half of them for training; 0 is background, 1 vessel.

    ::

        DRIVE/
          train_list.txt  val_list.txt   a picture, a space and its label map in each line
    """

    source = vessel_source("drive")
