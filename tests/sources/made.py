"""Small files in the formats in which each benchmark is published."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

VIDEOMME: dict[str, Any] = {
    "video_id": "001",
    "duration": "short",
    "domain": "Knowledge",
    "sub_category": "Humanity & History",
    "url": "https://example.org/watch?v=fFjv93ACGo8",
    "videoID": "fFjv93ACGo8",
    "question_id": "001-1",
    "task_type": "Counting Problem",
    "question": "How many candles burn?",
    "options": ["A. One.", "B. Two.", "C. Three.", "D. None."],
    "answer": "C",
}
MLVU: dict[str, Any] = {
    "video_name": "movie101_66.mp4",
    "duration": 246.5,
    "question": "What color is the car?\n(A) Yellow\n(B) Red\n(C) Green\n(D) Blue",
    "candidates": ["Yellow", "Red", "Green", "Blue"],
    "answer": "B",
    "task_type": "plotQA",
    "question_id": "Q0",
}
LONGVIDEOBENCH: dict[str, Any] = {
    "video_id": "86CxyhFV9MI",
    "id": "86CxyhFV9MI_0",
    "video_path": "86CxyhFV9MI.mp4",
    "subtitle_path": "86CxyhFV9MI_en.json",
    "correct_choice": 1,
    "question": "What does she hold?",
    "option0": "A cup",
    "option1": "A pen",
    "option2": "A book",
    "option3": "N/A",
    "option4": "N/A",
    "duration": 20.5,
    "duration_group": 15,
    "question_category": "S2O",
    "topic_category": "NP-News-Programs",
    "starting_timestamp_for_subtitles": 60.0,
}
TEMPCOMPASS: dict[str, Any] = {
    "video_id": "1034419625",
    "question": "What is the man doing?\nA. dunking\nB. dribbling\nC.passing",
    "answer": "C.passing",
    "dim": "action",
}
NEXTQA: dict[str, Any] = {
    "video": "4010069381",
    "frame_count": 369,
    "width": 640,
    "height": 480,
    "question": "how do the two men play",
    "answer": 4,
    "qid": 6,
    "type": "CH",
    **{f"a{i}": text for i, text in enumerate(("roll", "tap", "strum", "hit", "pat"))},
}
PERCEPTIONTEST: dict[str, Any] = {
    "video_name": "video_10909",
    "question": "Is the camera moving or static?",
    "question_id": 0,
    "options": ["I don't know", "moving", "static or shaking"],
    "answer_id": 2,
    "area": "physics",
    "reasoning": "descriptive",
    "tag": ["motion", "camera"],
}
EGOSCHEMA: dict[str, Any] = {
    "question_idx": "00000",
    "question": "What was C's aim?",
    "video_idx": "0074f737-11cb",
    "option": ["A. cooking", "B. laundry", "C. cleaning", "D. washing up", "E. resting"],
    "answer": "3",
}
MVBENCH: dict[str, Any] = {
    "video": "ZS9XR.mp4",
    "question": "What happened after the person took the food?",
    "candidates": ["Ate the medicine.", "Took the box."],
    "answer": "Ate the medicine.",
    "start": 1.5,
    "end": 17.1,
}


def write(path: Path, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> Path:
    """Rows as Parquet, JSON, JSON lines or CSV, as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_text(json.dumps(rows))
        return path
    table = [dict(row) for row in rows if isinstance(row, Mapping)]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(table), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in table))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, table[0].keys())
            writer.writeheader()
            writer.writerows(table)
    return path
