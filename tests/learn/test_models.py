"""The models: shapes, Friedel's law, what their names promise; and weights on disk."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from argand import ArgandError
from argand.learn import RECIPES
from argand.learn.models import MODELS, build_model
from argand.learn.models.coordinates import Coordinates
from argand.learn.samples import cut_resolution, features
from argand.learn.weights import ModelSettings, load_weights, save_weights


@pytest.mark.parametrize("friedel", [True, False])
@pytest.mark.parametrize("hkl_max", [3, 6])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "recycling"])
def test_shapes_and_friedel(name, hkl_max, friedel):
    torch.manual_seed(0)
    net = build_model(name, hkl_max, 3, friedel=friedel)
    side = 2 * hkl_max + 1
    y = net(torch.randn(2, 3, side, side, side))
    assert y.shape == (2, 2, side, side, side)
    assert torch.isfinite(y).all()
    parity = torch.tensor([1.0, -1.0]).view(1, 2, 1, 1, 1)
    assert torch.equal(y.flip((2, 3, 4)), y * parity) is friedel
    y.square().mean().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize(("name", "layers"), [("linear", 1), ("mlp", 3), ("conv", 3)])
def test_models_are_what_their_names_say(name, layers):
    kind = nn.Conv3d if name == "conv" else nn.Linear
    with_parameters = []
    for module in build_model(name, 3, 1).modules():
        if list(module.parameters(recurse=False)):
            with_parameters.append(module)
    assert len(with_parameters) == layers
    assert all(isinstance(module, kind) for module in with_parameters)


def test_unet_has_its_parts():
    hyper = {"depth": 3, "width": 4, "dropout": 0.5, "norm": "batch", "convolutions": 2}
    net = build_model("unet", 6, 3, hyper)
    modules = list(net.modules())
    up = [module for module in modules if isinstance(module, nn.ConvTranspose3d)]
    norms = [module for module in modules if isinstance(module, nn.BatchNorm3d)]
    convolutions = [module for module in modules if isinstance(module, nn.Conv3d)]
    down = [module for module in convolutions if module.stride == (2, 2, 2)]
    assert (len(up), len(norms), len(down)) == (3, 14, 3)
    x = torch.randn(2, 3, 13, 13, 13)
    # Dropout makes every answer in training another one.
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


@pytest.mark.parametrize(
    ("name", "hyper", "words"),
    [
        ("other", {}, "model is 'other'"),
        ("mlp", {"depth": 3}, "hyper"),
        ("conv", {"kernel": 4}, "kernel"),
        ("unet", {"depth": 9}, "depth"),
        ("unet", {"norm": "layer"}, "norm"),
    ],
)
def test_refusals(name, hyper, words):
    with pytest.raises(ValueError, match=words):
        build_model(name, 6, 1, hyper)


def test_coordinates_say_where_a_voxel_lies():
    full = Coordinates((5, 5, 5))
    half = Coordinates((3, 5, 5))
    x = torch.zeros(1, 1, 5, 5, 5)
    assert full(x)[0, 1:, 4, 0, 2].tolist() == [1.0, -1.0, 0.0]
    assert torch.equal(full(x)[:, :, 2:], half(x[:, :, 2:]))


def test_features():
    amplitude = torch.rand(2, 3, 3, 3)
    mask = torch.rand(2, 3, 3, 3) > 0.5
    stol2 = torch.rand(2, 3, 3, 3)
    channels = features(amplitude, mask, stol2, ("stol2", "mask"))
    assert torch.equal(channels[:, 1], mask.float())
    with pytest.raises(ValueError, match="inputs"):
        features(amplitude, mask, stol2, ("phase",))
    cut = cut_resolution(mask, stol2, torch.tensor([3, 4]), 0, 0.5)
    largest = (stol2 * mask).amax(dim=(1, 2, 3))
    assert not (cut & ~mask).any()
    for i in range(2):
        below_every_cut = mask[i] & (stol2[i] < 0.25 * largest[i])
        assert cut[i][below_every_cut].all()
        dropped = stol2[i][mask[i] & ~cut[i]]
        if len(dropped):
            assert dropped.min() > stol2[i][cut[i]].max()
    cut_alone = cut_resolution(mask[1:], stol2[1:], torch.tensor([4]), 0, 0.5)
    assert torch.equal(cut[1:], cut_alone)
    no_cut = cut_resolution(mask, stol2, torch.tensor([3, 4]), 0, 1.0)
    assert torch.equal(no_cut, mask)


@pytest.fixture
def saved(tmp_path):
    """Untrained weights of a small U-net, and the file that holds them."""
    hyper = {"width": 2, "depth": 1}
    net = build_model("unet", 3, 3, hyper)
    settings = ModelSettings("unet", 3, RECIPES["unet"].inputs, hyper, scores={"loss": 4.5})
    return net, save_weights(tmp_path / "new" / "weights", net, settings)


def test_weights_round_trip(saved):
    net, path = saved
    net.eval()
    x = torch.randn(2, 3, 7, 7, 7)
    for name in (path, path.with_suffix(""), path.parent, str(path)):
        model = load_weights(name)
        assert torch.equal(model.net(x), net(x))
        assert model.settings.inputs == RECIPES["unet"].inputs
        assert model.settings.scores == {"loss": 4.5}
    files = sorted(file.name for file in path.parent.iterdir())
    assert files == ["weights.json", "weights.safetensors"]


def test_damaged_weights_give_one_line(saved, tmp_path):
    _, path = saved
    description = path.with_suffix(".json")
    good = path.read_bytes()
    content = json.loads(description.read_text())

    def refused(words, data=good, **changes):
        path.write_bytes(data)
        description.write_text(json.dumps({**content, **changes}))
        with pytest.raises(ArgandError, match=words) as error:
            load_weights(path)
        assert "\n" not in str(error.value)
        assert str(path.with_suffix("")) in str(error.value)

    refused("format 99", format=99)
    refused("is no phase network", kind="training run")
    refused("no safetensors", data=b"not tensors")
    refused("no safetensors", data=b"")
    refused("does not fit", hyper={"width": 4, "depth": 1})
    refused("describes no model", model="other")
    refused("hyper", hyper=3)
    refused("the box of hkl to 4000 needs .* of memory", hkl_max=4000)
    content["data"] = {"metals": ["Al"], "held_out": [], "hkl_max": 2}
    refused("hkl_max is 3, needs 2 as in the training")
    del content["data"]
    description.write_bytes(b"\xff\xfe")
    with pytest.raises(ArgandError, match="no JSON"):
        load_weights(path)
    with pytest.raises(ArgandError, match="missing"):
        load_weights(tmp_path / "absent")
