"""Which intensities tissues have in CT and in the common MRI contrasts: ranges to draw from."""

Range = tuple[float, float]

GROUPS: dict[str, tuple[int, ...]] = {
    "air": (0,),
    "white matter": (2, 41, 7, 46, 25, 57),
    "gray matter": (3, 42, 8, 47, 17, 53, 18, 54),
    "deep gray matter": (10, 49, 11, 50, 12, 51, 26, 58),
    "pallidum": (13, 52),
    "brain stem": (16, 28, 60, 512),
    "fluid": (4, 43, 5, 44, 14, 72, 15, 24),
    "choroid plexus": (136, 137, 163, 164),
    "artery": (502, 30, 62),
    "vein": (514,),
    "eye": (506,),
    "nerve": (85, 530),
    "soft tissue": (507,),
    "muscle": (508,),
    "mucosa": (509,),
    "skin": (511,),
    "cortical bone": (515,),
    "cancellous bone": (516,),
}
SPREAD: dict[str, float] = {"gray matter": 0.3, "deep gray matter": 0.6, "brain stem": 0.4, "white matter": 0.2}
"""How far the labels of a group may differ from one another, as a fraction of the group's range."""

HU: dict[str, Range] = {
    "air": (-1000, -990),
    "white matter": (22, 31),
    "gray matter": (33, 43),
    "deep gray matter": (33, 43),
    "pallidum": (32, 48),
    "brain stem": (26, 35),
    "fluid": (0, 14),
    "choroid plexus": (20, 60),
    "artery": (35, 60),
    "vein": (40, 70),
    "eye": (5, 25),
    "nerve": (20, 45),
    "soft tissue": (-40, 50),
    "muscle": (35, 65),
    "mucosa": (10, 60),
    "skin": (-20, 60),
    "cortical bone": (600, 1500),
    "cancellous bone": (120, 600),
}

_T1: dict[str, Range] = {
    "white matter": (0.7, 0.9),
    "gray matter": (0.45, 0.62),
    "deep gray matter": (0.5, 0.7),
    "pallidum": (0.6, 0.8),
    "brain stem": (0.6, 0.8),
    "fluid": (0.1, 0.25),
    "choroid plexus": (0.3, 0.6),
    "eye": (0.1, 0.3),
    "cortical bone": (0.02, 0.15),
    "cancellous bone": (0.3, 0.9),
    "soft tissue": (0.4, 0.95),
    "skin": (0.4, 0.9),
}
_T2: dict[str, Range] = {
    "white matter": (0.25, 0.4),
    "gray matter": (0.42, 0.6),
    "deep gray matter": (0.3, 0.5),
    "pallidum": (0.15, 0.35),
    "brain stem": (0.3, 0.45),
    "fluid": (0.8, 1.0),
    "choroid plexus": (0.5, 0.9),
    "eye": (0.8, 1.0),
    "cortical bone": (0.02, 0.15),
    "cancellous bone": (0.2, 0.6),
    "soft tissue": (0.2, 0.7),
    "skin": (0.2, 0.6),
}
_FLAIR: dict[str, Range] = {**_T2, "fluid": (0.05, 0.2), "eye": (0.05, 0.25)}
_FLAIR |= {"white matter": (0.4, 0.52), "gray matter": (0.52, 0.68)}
_FLAIR |= {"pallidum": (0.35, 0.5)}
_BRIGHT = ("artery", "vein", "choroid plexus", "mucosa")
_T1C = _T1 | dict.fromkeys(_BRIGHT, (0.75, 1.0))
STYLES: dict[str, dict[str, Range]] = {"any": {}, "T1": _T1, "T1C": _T1C, "T2": _T2, "FLAIR": _FLAIR}
"""MRI intensities, 0 to 1, by style; what a style does not name may be anything."""
