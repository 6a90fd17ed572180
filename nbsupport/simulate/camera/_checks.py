"""Refuse impossible light, maps and numbers by name."""

from __future__ import annotations

from numbers import Real

import numpy as np
import xarray as xr


def checked(name: str, array: xr.DataArray, *, signed: bool = False) -> np.ndarray:
    """The values of an image or stack as float64; refuses wrong dimensions, non-finite and (unless signed) negative."""
    if not isinstance(array, xr.DataArray) or array.dims[-2:] != ("y", "x"):
        given = f"dimensions {array.dims}" if isinstance(array, xr.DataArray) else f"a {type(array).__name__}"
        raise ValueError(f'{name} has {given}; give a DataArray whose last dimensions are ("y", "x")')
    values = np.asarray(array.values, dtype=np.float64)
    for what, wrong in {"not finite": ~np.isfinite(values), "negative": (values < 0) & (not signed)}.items():
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(f"{name} is {what} ({values[index]}) at index {dict(zip(array.dims, index, strict=True))}")
    return values


def photons(expected: xr.DataArray) -> np.ndarray:
    """The values of expected counts, which must be in photons."""
    values = checked("expected", expected)
    if expected.attrs.get("units") != "photons":
        raise ValueError(
            f'expected has units {expected.attrs.get("units")!r}; shot noise needs attrs["units"]="photons"'
        )
    return values


def pixel_map(name: str, given, shape: tuple[int, int]) -> np.ndarray:
    """A map of one finite value per pixel."""
    values = np.asarray(given, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} has shape {values.shape}; give one value per pixel, shape {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds a value that is not finite")
    return values


def finite(name: str, value: float) -> None:
    """Refuse anything but one finite number."""
    if not (isinstance(value, Real) and np.isfinite(value)):
        raise ValueError(f"{name}={value!r} must be a finite number")


def at_least(name: str, value: float, least: float, *, strict: bool = False) -> None:
    """Refuse a number below the least one, or equal to it if strict."""
    finite(name, value)
    if value < least or (strict and value == least):
        raise ValueError(f"{name}={value!r} must be {'greater than' if strict else 'at least'} {least}")


def with_values(array: xr.DataArray, values: np.ndarray, units: str | None = None) -> xr.DataArray:
    """The array with other values, its coordinates, and its own units unless others are given."""
    return array.copy(data=values).assign_attrs(units=units or array.attrs.get("units", "1"))
