"""CHASE_DB1: both eyes of 14 children (Fraz et al., 2012), https://doi.org/10.1109/TBME.2012.2205687."""

from segwright.datasets.vessels import VesselDataset, vessel_source
from segwright.registry import DATASETS


@DATASETS.register
class CHASEDB1(VesselDataset):
    """Twenty-eight pictures of 999 x 960 pixels, as the first expert drew them; 0 is background, 1 vessel.

    ::

        CHASEDB1/
          train_list.txt  val_list.txt   a picture, a space and its label map in each line
    """

    source = vessel_source("chase_db1")
