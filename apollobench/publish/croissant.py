"""Croissant metadata: https://docs.mlcommons.org/croissant/docs/croissant-spec.html, version 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from apollobench.publish.edition import Edition
from apollobench.publish.publication import DROPPED, ITEMS
from apollobench.publish.rows import ABOUT, PUBLISHED

VERSION = "http://mlcommons.org/croissant/1.0"
# The context that the specification prescribes.
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
SETS = {ITEMS: ("items", "The questions of the benchmark."), DROPPED: ("dropped", "What was left out, and why.")}


def croissant(edition: Edition, files: Mapping[str, tuple[int, str]], citation: str) -> dict[str, Any]:
    """The document as JSON-LD. files: size in bytes and SHA-256 of each Parquet file, by name.

    What the edition does not know (url and creator without a repository, the day) is left out.
    """
    owner = edition.repository.split("/")[0] if edition.repository else None
    told = {
        "url": edition.url,
        "creator": {"@type": "sc:Organization", "name": owner} if owner else None,
        "datePublished": edition.day,
    }
    languages = sorted({terms.language for terms in edition.terms.values() if terms.language})
    licences = sorted({terms.url or terms.licence for terms in edition.terms.values()})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": edition.name,
        "description": edition.description,
        "version": edition.version,
        "license": licences,
        **{key: value for key, value in told.items() if value is not None},
        "inLanguage": languages,
        "keywords": ["video", "benchmark", "multiple choice"],
        "citeAs": citation,
        "isLiveDataset": False,
        "distribution": [_file(name, size, digest) for name, (size, digest) in files.items()],
        "recordSet": [_records(*SETS[name], name) for name in files],
    }


def missing(edition: Edition) -> list[str]:
    """What the specification requires and the edition does not tell, as options that tell it."""
    return [
        *([] if edition.repository else ["url and creator (--name OWNER/NAME)"]),
        *([] if edition.day else ["datePublished (--date YYYY-MM-DD)"]),
    ]


def _file(name: str, size: int, digest: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": digest,
    }


def _records(name: str, about: str, file: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": about,
        "key": {"@id": f"{name}/id"},
        "field": [_field(name, file, field) for field in PUBLISHED],
    }


def _field(records: str, file: str, field: pa.Field) -> dict[str, Any]:
    several = pa.types.is_list(field.type)
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{field.name}",
        "name": field.name,
        "description": ABOUT[field.name],
        "dataType": _type(field.type.value_type if several else field.type),
        **({"repeated": True} if several else {}),
        "source": {"fileObject": {"@id": file}, "extract": {"column": field.name}},
    }


def _type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
