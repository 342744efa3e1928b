"""STARE: Structured Analysis of the Retina (Hoover et al., 2000), https://doi.org/10.1109/42.845178."""

from segwright.datasets.vessels import VesselDataset, vessel_source
from segwright.registry import DATASETS


@DATASETS.register
class STARE(VesselDataset):
    """Twenty pictures of 700 x 605 pixels; 0 is background, 1 vessel.

    ::

        STARE/
          train_list.txt  val_list.txt   a picture, a space and its label map in each line
    """

    source = vessel_source("stare")
