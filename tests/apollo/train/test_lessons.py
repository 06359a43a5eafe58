"""Lessons: the training prompt is the one that models are asked with, and packing changes nothing but the cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import load_apollo, save_apollo
from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.model import IGNORE, VISUAL, Apollo
from apollobench.apollo.train.corpus import ATTRIBUTES, IDENTITIES, pictures, see
from apollobench.apollo.train.family import CLIPS, FAMILY, TOKENS_PER_CLIP, UNIFORM, apollo_config, llm_config
from apollobench.apollo.train.fit import _embeds, adamw, fit, reply_loss
from apollobench.apollo.train.language import SightTable, gather, world_tokenizer
from apollobench.apollo.train.lessons import MATCH, TELL, Lesson, choose, make_lesson, pack, scene_plan
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.render import camera
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import Mode, Video


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return world_tokenizer()


@pytest.fixture(scope="module")
def chat(tokenizer: PreTrainedTokenizerFast) -> Chat:
    return Chat(tokenizer, 2.0, TOKENS_PER_CLIP)


def test_the_tokenizer_knows_every_word_that_the_world_can_say(tokenizer: PreTrainedTokenizerFast) -> None:
    unknown = tokenizer.unk_token_id
    for seed in (*range(1_000_000, 1_000_040), *range(2_000_000, 2_000_040)):
        scene = draw_scene(seed)
        texts = []
        for item in ask(scene, Video("v", Path()), everything=True):
            texts += [item.question, *item.options]
        assert all(unknown not in ids for ids in tokenizer(texts)["input_ids"])


def told(chat: Chat, lesson: Lesson) -> list[str]:
    """The words of what happened, as the lesson has it told."""
    reply = next(branch.reply for branch in lesson.branches if branch.kind == TELL)
    return [str(chat.tokenizer.decode(token)) for token in reply[:-1]]


def test_a_lesson_ends_in_the_letter_of_the_right_option(chat: Chat) -> None:
    for mode in (Mode.VIDEO, Mode.FRAME, Mode.TEXT):
        lesson = make_lesson(4, mode, CLIPS, chat)
        items = ask(draw_scene(4), Video("0000004", Path()), everything=True)
        letters = [branch.reply[0] for branch in lesson.branches[: len(items)]]
        assert letters == [chat.reply_token("ABCDE"[item.answer]) for item in items]
        clips = 0 if mode is Mode.TEXT else 1 if mode is Mode.FRAME else lesson.clips
        assert lesson.head.count(VISUAL) == clips * TOKENS_PER_CLIP == len(lesson.sights)


def test_a_hint_is_the_right_option_at_the_end_of_the_question(chat: Chat) -> None:
    lesson = make_lesson(6, Mode.VIDEO, CLIPS, chat)
    items = ask(draw_scene(6), Video("0000006", Path()), everything=True)
    hinted = 0
    for item, branch in zip(items, lesson.branches, strict=False):
        if branch.hint:
            place, token = branch.hint
            assert chat.tokenizer.decode(branch.asked[place]).strip() == "?"
            assert chat.tokenizer.decode(token).strip() == item.options[item.answer]
            hinted += 1
    assert hinted > len(items) // 2


def test_a_scene_is_told_in_order_and_shown_in_brief_with_one_frame_for_each_segment(chat: Chat) -> None:
    for seed in range(20):
        scene = draw_scene(seed)
        lesson = make_lesson(seed, Mode.VIDEO, None, chat)
        names = [segment.identity for segment in scene.segments]
        assert len(lesson.sights) == lesson.head.count(VISUAL) == len(names)
        seen = [
            IDENTITIES[ATTRIBUTES[i][1]] for sight in lesson.sights for i in sight if ATTRIBUTES[i][0] == "identity"
        ]
        assert seen == names
        assert [word for word in told(chat, lesson) if word in IDENTITIES] == names


def test_motion_is_seen_only_where_two_different_frames_show_it() -> None:
    scene = next(scene for scene in map(draw_scene, range(20)) if scene.kind == "walk")
    start = scene.segments[0].start
    still, moving = see(scene, [start + 0.2] * 4), see(scene, [start + 0.2, start + 0.4, start + 0.6, start + 0.8])
    assert not any(ATTRIBUTES[i][0] == "action" for sight in still for i in sight)
    assert all(any(ATTRIBUTES[i][0] == "action" for i in sight) for sight in moving)


def test_a_packed_branch_computes_what_it_computes_alone(chat: Chat) -> None:
    torch.manual_seed(0)
    model = Apollo(ApolloConfig(llm=llm_config("s", len(chat.tokenizer)))).eval()
    lessons = [make_lesson(seed, Mode.VIDEO, CLIPS, chat) for seed in (1, 2)]
    lessons = [
        replace(lesson, head=tuple(token if token != VISUAL else 7 for token in lesson.head), recalls=(), counts=())
        for lesson in lessons
    ]
    branches = [list(lesson.branches[:6]) for lesson in lessons]
    packed = pack(lessons, branches, pad=0)
    with torch.inference_mode():
        together = model.llm.model(
            inputs_embeds=model.merge(packed.ids, None), attention_mask=packed.mask, position_ids=packed.positions
        ).last_hidden_state
        for row, (lesson, chosen) in enumerate(zip(lessons, branches, strict=True)):
            head = lesson.head
            for number, branch in enumerate(chosen, 1):
                alone = model.llm.model(torch.tensor([[*head, *branch.asked, *branch.reply[:-1]]])).last_hidden_state[0]
                places = (packed.part[row] == number).nonzero()[:, 0]
                torch.testing.assert_close(together[row, places], alone[len(head) :], atol=2e-5, rtol=1e-4)
                wanted = packed.part.new_full(packed.part.shape, IGNORE).flatten()
                for marks in (packed.letters, packed.words):
                    wanted[marks.places] = marks.tokens
                wanted = wanted.view_as(packed.part)[row, places]
                assert wanted[wanted != IGNORE].tolist() == list(branch.reply)


def test_what_is_to_be_predicted_stands_where_it_is_predicted(chat: Chat) -> None:
    lesson = make_lesson(1, Mode.VIDEO, CLIPS, chat)
    branches = list(lesson.branches)
    packed = pack([None, lesson], [branches[:1], branches], pad=0)
    ids, (rows, length) = packed.ids.flatten(), packed.ids.shape
    assert (ids[packed.visual] == VISUAL).all()
    assert len(packed.visual) == len(lesson.sights)
    known = [token for token in lesson.recalls if token != IGNORE]
    assert packed.recalls.tokens.tolist() == known
    assert packed.counts.places.tolist() == packed.visual.tolist()
    assert packed.counts.tokens.tolist() == list(lesson.counts)
    hinted = [branch for branch in (branches[0], *branches) if branch.hint]
    assert packed.hints.tokens.tolist() == [branch.hint[1] for branch in hinted if branch.hint]
    assert ids[packed.hints.places].tolist() == [branch.asked[branch.hint[0]] for branch in hinted if branch.hint]
    starts = [branch.reply[0] for branch in (branches[0], *branches) if branch.kind != TELL]
    assert packed.letters.tokens.tolist() == starts
    assert len(packed.letters.places) + len(packed.words.places) == sum(
        len(branch.reply) for branch in (branches[0], *branches)
    )
    story = next(branch for branch in branches if branch.kind == TELL)
    assert packed.words.tokens[-len(story.reply) :].tolist() == list(story.reply)
    assert rows == 2
    assert packed.positions.max() < length


def test_packed_embeddings_are_those_that_the_model_merges(chat: Chat) -> None:
    model = Apollo(ApolloConfig(llm=llm_config("s", len(chat.tokenizer))))
    lessons = [make_lesson(seed, Mode.VIDEO, CLIPS, chat) for seed in (1, 2)]
    packed = pack(lessons, [list(lesson.branches[:3]) for lesson in lessons], pad=0)
    visual = torch.randn(len(packed.visual) // TOKENS_PER_CLIP, TOKENS_PER_CLIP, model.llm.config.hidden_size)
    assert torch.equal(_embeds(model, packed, visual), model.merge(packed.ids, visual))


def test_choose_keeps_its_limits(chat: Chat) -> None:
    lesson = make_lesson(0, Mode.VIDEO, CLIPS, chat)
    chosen = choose(lesson, np.random.default_rng(0), {"video": 2, MATCH: 1})
    assert sorted(branch.kind for branch in chosen) == [MATCH, "video", "video"]


def test_a_drawn_plan_shows_what_the_sampler_says() -> None:
    scene = draw_scene(7)
    for sampling in (CLIPS, UNIFORM):
        plan = scene_plan(scene, Mode.VIDEO, sampling)
        assert plan is not None
        assert len(plan.indices) % sampling.clip_frames == 0
        siglip, internvideo2 = pictures(scene, plan.timestamps)
        assert siglip.shape == internvideo2.shape == (len(plan.indices), 48, 48, 3)
    center = scene_plan(scene, Mode.FRAME, CLIPS)
    assert center is not None
    assert len(set(center.indices)) == 1
    drawn = camera(scene)(center.indices[0])
    halved = drawn.reshape(48, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(pictures(scene, center.timestamps)[1][0] - halved).max() <= 1.0


def test_a_few_steps_on_one_lesson_learn_it(chat: Chat) -> None:
    torch.manual_seed(0)
    model = Apollo(ApolloConfig(llm=llm_config("s", len(chat.tokenizer))))
    lesson = make_lesson(3, Mode.VIDEO, CLIPS, chat)
    packed = pack([lesson], [list(lesson.branches[:8])], pad=0)
    table = SightTable(model.llm.config.hidden_size)
    sights = gather(lesson.sights, torch.device("cpu"))
    before, _ = reply_loss(model, packed, table(sights))
    fit(
        "test",
        adamw([*model.parameters(), *table.parameters()], 3e-3, 40),
        lambda _: packed,
        lambda batch: reply_loss(model, batch, table(sights)),
        steps=40,
        rng=np.random.default_rng(0),
    )
    after, right = reply_loss(model, packed, table(sights))
    assert after.item() < 0.1 * before.item()
    assert right.item() == 1.0


def test_every_recipe_is_a_possible_model_of_one_to_eight_million_parameters(chat: Chat) -> None:
    sizes = set()
    for recipe in FAMILY.values():
        model = Apollo(apollo_config(recipe, len(chat.tokenizer)))
        assert 1_000_000 <= sum(parameter.numel() for parameter in model.parameters()) <= 8_000_000
        assert sum(recipe.mixture.values()) == pytest.approx(1.0)
        sizes.add(recipe.size)
    assert len(FAMILY) >= 8
    assert sizes == {"s", "m", "l"}


def test_a_checkpoint_keeps_the_tokenizer_as_it_is(chat: Chat, tmp_path: Path) -> None:
    model = Apollo(apollo_config(FAMILY["apollo-tiny-s"], len(chat.tokenizer)))
    save_apollo(model, chat.tokenizer, tmp_path / "m", dtype="bfloat16")
    _, loaded = load_apollo(tmp_path / "m")
    question = (
        "Which word came first?\nA. SUN\nB. a violin\nAnswer with the option's letter from the given choices directly."
    )
    again = Chat(loaded, 2.0, TOKENS_PER_CLIP)
    assert again.tail(question, seen=False) == chat.tail(question, seen=False)
    assert again.stops == chat.stops
