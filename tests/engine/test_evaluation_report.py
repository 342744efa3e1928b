"""What an observer collects for a report is what can be computed with everything in memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.engine.calibration import CalibrationTally
from segwright.engine.confused_pairs import SECTIONS, ConfusedPairs
from segwright.engine.evaluation import evaluate
from segwright.engine.evaluation_report import NUM_BEST, NUM_WORST, ReportObserver
from segwright.engine.packed_map import PackedMap
from segwright.engine.processes import Processes
from segwright.errors import ConfigError
from segwright.images import default_palette, write_image, write_label_map
from segwright.metrics import ConfusionMatrix
from segwright.metrics.calibration import LEVELS

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
CLASSES, PICTURES = 3, 30


class Reddish(nn.Module):
    """Sees classes in the red of a picture, which tells them, and is the less sure the darker its green is."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        red, green = image[:, 0:1] * 127.5 + 127.5, image[:, 1:2] * 127.5 + 127.5
        scores = [-((red - 80 * index) ** 2) * green / 4e4 for index in range(CLASSES)]
        return [torch.cat(scores, dim=1)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Pictures that show classes a and b, each worse than the one before: in ever more columns, 1 looks like 2."""
    root = tmp_path_factory.mktemp("reddish")
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        label = np.zeros((120, 130), np.uint8)
        label[30:90, 20:110] = 1
        label[100:, :] = 2
        seen = label.copy()
        wrong = np.s_[30:90, 20 : 20 + 3 * number]
        seen[wrong] = 2
        label[:2] = 255
        image = np.stack([seen * 80, rng.integers(1, 256, seen.shape), seen * 0], axis=2).astype(np.uint8)
        write_image(root / f"{number:02d}.png", image)
        write_label_map(root / f"{number:02d}_label.png", label, default_palette(CLASSES))
    (root / "val.txt").write_text("".join(f"{n:02d}.png {n:02d}_label.png\n" for n in range(PICTURES)))
    return Dataset([T.Normalize()], root, CLASSES, mode="val", val_path="val.txt")


def observed(dataset, numbers=None):
    """The findings, and what was seen: for each picture logits and label."""
    observer, seen = ReportObserver(dataset, CPU), {}

    def remember(number, logits, label):
        if numbers is None or number in numbers:
            observer(number, logits, label)
            seen[number] = logits[0].clone(), label[0].clone()

    evaluate(Reddish(), dataset, observers=[remember], print_detail=False)
    return observer.findings(Processes()), seen


def test_the_worst_and_best_pictures_are_kept_with_their_predictions(data):
    findings, seen = observed(data)
    scores = {}
    for number, (logits, label) in seen.items():
        matrix = ConfusionMatrix(CLASSES)
        matrix.update(logits.argmax(0).numpy(), label.numpy())
        scores[number] = matrix.scores("skip")["mIoU"]
    ranking = sorted(scores, key=lambda number: (scores[number], number))
    assert [number for _, number in sorted(findings.worst)] == ranking[:NUM_WORST]
    assert {number for _, number in findings.best} == set(ranking[-NUM_BEST:])
    for (_, number), packed in (findings.worst | findings.best).items():
        np.testing.assert_array_equal(packed.array(), seen[number][0].argmax(0).numpy())


def test_calibration_counts_every_judged_pixel_once(data):
    findings, seen = observed(data)
    logits = torch.stack([logits for logits, _ in seen.values()]).movedim(1, 0).reshape(CLASSES, -1)
    label = torch.stack([label for _, label in seen.values()]).flatten()
    judged = label != 255
    confidence, pred = logits.softmax(0).max(0)
    right = (pred == label)[judged]
    assert findings.calibration.counts.sum(axis=1).tolist() == [int((~right).sum()), int(right.sum())]
    wanted = np.histogram(confidence[judged].double().numpy(), bins=np.linspace(0, 1, 16))[0]
    assert [one.pixels for one in findings.calibration.bins()] == pytest.approx(
        wanted.tolist(), abs=30
    )  # float32 at the edges


def test_examples_hold_exactly_the_confused_pixels_and_come_from_all_over_the_data_set(data):
    findings, seen = observed(data)
    examples = findings.pairs.examples(1, 2, SECTIONS)
    assert len(examples) == SECTIONS
    assert len({example.number * SECTIONS // PICTURES for example in examples}) == SECTIONS
    sizes = [int(example.confused.array().sum()) for example in examples]
    assert examples[0].number * SECTIONS // PICTURES == SECTIONS - 1
    for example in examples:
        logits, label = seen[example.number]
        confused = example.confused.array()
        window = np.s_[example.top : example.top + confused.shape[0], example.left : example.left + confused.shape[1]]
        truth, pred = label.numpy()[window], logits.argmax(0).numpy()[window]
        np.testing.assert_array_equal(confused, (truth == 1) & (pred == 2))
    assert min(sizes) > 0
    assert findings.pairs.examples(0, 1, 3) == []
    assert findings.pairs.examples(1, 2, 2) == examples[:2]


def test_parts_of_several_processes_make_the_whole(data):
    whole, _ = observed(data)
    odd, _ = observed(data, range(1, PICTURES, 2))
    even, _ = observed(data, range(0, PICTURES, 2))
    even.merge(odd)
    assert (even.worst, even.best) == (whole.worst, whole.best)
    np.testing.assert_array_equal(even.calibration.counts, whole.calibration.counts)
    assert even.pairs.examples(1, 2, SECTIONS) == whole.pairs.examples(1, 2, SECTIONS)


def test_several_labels_a_pixel_are_refused(data):
    several = Dataset([T.Normalize()], data.pairs[0].image.parent, 2, mode="val", val_path="val.txt", multilabel=True)
    with pytest.raises(ConfigError, match="leave out --report"):
        ReportObserver(several, CPU)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.sampled_from([0, 255]), st.integers(1, 400), st.integers(1, 90), st.integers(0, 999))
def test_pictures_of_any_size_give_examples_inside_them(num_classes, ignore_index, height, width, seed):
    rng = np.random.default_rng(seed)
    pairs = ConfusedPairs(num_classes, ignore_index, 1)
    label = rng.choice([*range(num_classes), 255], (height, width)).astype(np.uint8)
    pred = rng.integers(0, num_classes, (height, width)).astype(np.uint8)
    matrix = ConfusionMatrix(num_classes, ignore_index)
    matrix.update(pred, label)
    pairs.add(0, pred, label, matrix.counts)
    for true in range(num_classes):
        for predicted in range(num_classes):
            for example in pairs.examples(true, predicted, 3):
                assert true not in (predicted, ignore_index)
                rows, columns = example.confused.shape
                assert example.top >= 0
                assert example.left >= 0
                assert example.top + rows <= height
                assert example.left + columns <= width
                assert example.confused.array().any()


@pytest.mark.parametrize("height", [5, 256, 300])
def test_a_picture_counted_in_parts_counts_as_a_whole(height):
    torch.manual_seed(0)
    logits, label = torch.randn(2, 4, height, 7), torch.randint(0, 4, (2, height, 7))
    label[:, 0] = 9
    tally = CalibrationTally(9, CPU)
    tally.add(logits, logits.argmax(1), label)
    counts = tally.total().counts
    assert counts.shape == (2, LEVELS)
    assert counts.sum() == 2 * (height - 1) * 7
    assert counts[1].sum() == int((logits.argmax(1) == label).sum())


def test_logits_that_are_not_numbers_count_as_not_sure():
    tally = CalibrationTally(255, CPU)
    logits = torch.full((1, 2, 3, 3), torch.nan)
    tally.add(logits, logits.argmax(1), torch.zeros(1, 3, 3, dtype=torch.uint8))
    assert tally.total().counts[:, 0].sum() == 9


@pytest.mark.parametrize("kind", [np.uint8, np.int32, bool])
def test_a_packed_map_comes_back(kind):
    array = np.random.default_rng(0).integers(0, 2, (7, 5)).astype(kind)[:, ::2]
    packed = PackedMap.of(array)
    np.testing.assert_array_equal(packed.array(), array)
    assert packed.array().dtype == kind
