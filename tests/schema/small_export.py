"""A small exported schema in both shapes that OCSF servers have written, with every way to declare an observable."""

from __future__ import annotations

from typing import Any

TYPES: dict[str, Any] = {
    "string_t": {"caption": "String"},
    "integer_t": {"caption": "Integer"},
    "badge_t": {"caption": "Badge", "type": "string_t", "regex": "^B[0-9]+$", "max_len": 6, "observable": 101},
}
DICTIONARY: dict[str, Any] = {
    "door": {"type": "object_t", "object_type": "door", "caption": "Door"},
    "shift": {"type": "string_t", "caption": "Shift", "observable": 102},
    "gate/lamp": {"type": "string_t", "caption": "Lamp", "extension": "gate", "observable": 103},
}


def _attribute(type_name: str, **more: Any) -> dict[str, Any]:
    return {"type": type_name, "caption": more.pop("caption", type_name), "requirement": "optional", **more}


def small_export(*, listed_profiles: bool) -> dict[str, Any]:
    """An export with one class and one object; `listed_profiles` chooses the shape that came with 1.8."""
    inside = {"profiles": ["night"]} if listed_profiles else {"profile": "night"}
    door = {
        "uid": _attribute("string_t", observable=104),
        "colour": _attribute("string_t"),
        "badge": _attribute("badge_t", observable=110),
        "shift": _attribute("string_t", observable=109),
    }
    entry = {
        "class_uid": _attribute("integer_t", requirement="required"),
        "door": _attribute("object_t", object_type="door"),
        "doors": _attribute("object_t", object_type="door", is_array=True),
        "badge": _attribute("badge_t"),
        "shift": _attribute("string_t"),
        "lamp": _attribute("string_t", extension="gate", **inside),
        "note": _attribute("string_t", observable=105),
    }
    classes = {
        "entry": {
            "name": "entry",
            "caption": "Entry",
            "uid": 7001,
            "category": "building",
            "category_uid": 7,
            "category_name": "Building",
            "profiles": ["night"],
            "attributes": entry,
            "observables": {"door.colour": 106, "doors.colour": 107},
        }
    }
    objects = {"door": {"name": "door", "caption": "Door", "observable": 108, "attributes": door}}
    parts = (
        {"dictionary": {"attributes": DICTIONARY, "types": {"attributes": TYPES}}, "profiles": {"night": {}}}
        if listed_profiles
        else {"dictionary_attributes": DICTIONARY, "types": TYPES}
    )
    return {"version": "9.9.9", "classes": classes, "objects": objects, **parts}
