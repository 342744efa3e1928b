"""HRF: High-Resolution Fundus pictures (Budai et al., 2013), https://doi.org/10.1155/2013/154860."""

from segwright.datasets.vessels import VesselDataset, vessel_source
from segwright.registry import DATASETS


@DATASETS.register
class HRF(VesselDataset):
    """Forty-five pictures of 3304 x 2336 pixels, 21 for training and 24 for evaluation; 0 is background, 1 vessel.

    ::

        HRF/
          train_list.txt  val_list.txt   a picture, a space and its label map in each line
    """

    source = vessel_source("hrf")
