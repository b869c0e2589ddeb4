"""Trains the demo model from the texts of this folder and writes it as a GGUF file.

    python train.py --output shoal-demo.gguf [--steps N] [--threads 2]

A llama of 8 layers with its own byte-level BPE vocabulary; weights are stored as F16, norms as F32.
"""

import argparse
import math
import pathlib
import sys
import time

import gguf
import numpy
import tokenizers
import torch
import torch.nn.functional as F
from torch import nn

from conversations import Conversations, HERE, load_facts

SEED = 20_8800
VOCABULARY = 1280
WIDTH, LAYERS, HEADS, KV_HEADS, FEED_FORWARD = 128, 8, 4, 2, 320
HEAD = WIDTH // HEADS
CONTEXT = 1024
ROPE_BASE = 10_000.0
EPSILON = 1e-5
BATCH, PEAK_RATE, WARM_UP = 48, 4e-3, 60
PROMPT_WEIGHT = 0.1  # how much the loss counts tokens that the model will never have to write
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKS = ["<tool_call>", "</tool_call>"]


def train_tokenizer(texts: list[str]) -> tokenizers.Tokenizer:
    """Byte-level BPE with GPT-2's pre-tokenizer, which libllama knows as `gpt-2`."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(MARKS),
        special_tokens=SPECIAL,
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([tokenizers.AddedToken(mark, special=False, normalized=False) for mark in MARKS])
    return tokenizer


class Attention(nn.Module):
    """Grouped-query attention with rotary positions on neighbouring pairs, as libllama's llama expects them."""

    def __init__(self):
        super().__init__()
        self.q = nn.Linear(WIDTH, HEADS * HEAD, bias=False)
        self.k = nn.Linear(WIDTH, KV_HEADS * HEAD, bias=False)
        self.v = nn.Linear(WIDTH, KV_HEADS * HEAD, bias=False)
        self.o = nn.Linear(HEADS * HEAD, WIDTH, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        q = rotate(self.q(x).view(batch, length, HEADS, HEAD), cos, sin).transpose(1, 2)
        k = rotate(self.k(x).view(batch, length, KV_HEADS, HEAD), cos, sin).transpose(1, 2)
        v = self.v(x).view(batch, length, KV_HEADS, HEAD).transpose(1, 2)
        k, v = (t.repeat_interleave(HEADS // KV_HEADS, dim=1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(y.transpose(1, 2).reshape(batch, length, HEADS * HEAD))


def rotate(x, cos, sin):
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm = nn.RMSNorm(WIDTH, eps=EPSILON)
        self.attention = Attention()
        self.ffn_norm = nn.RMSNorm(WIDTH, eps=EPSILON)
        self.gate = nn.Linear(WIDTH, FEED_FORWARD, bias=False)
        self.up = nn.Linear(WIDTH, FEED_FORWARD, bias=False)
        self.down = nn.Linear(FEED_FORWARD, WIDTH, bias=False)

    def forward(self, x, cos, sin):
        x = x + self.attention(self.attention_norm(x), cos, sin)
        y = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH, eps=EPSILON)
        self.output = nn.Linear(WIDTH, VOCABULARY, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("attention.o.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.03 / (math.sqrt(2 * LAYERS) if residual else 1))
        angles = torch.outer(torch.arange(CONTEXT), ROPE_BASE ** (-torch.arange(0, HEAD, 2) / HEAD))
        self.cos, self.sin = angles.cos()[:, None, :], angles.sin()[:, None, :]

    def forward(self, tokens):
        """Hidden states after the last norm; shape (batch, length, width)."""
        x = self.embedding(tokens)
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


class Batches:
    """Endless batches of samples of similar length: token ids, and the weight of each position's prediction."""

    def __init__(self, conversations: Conversations, tokenizer: tokenizers.Tokenizer):
        self.conversations, self.tokenizer = conversations, tokenizer
        self.end = tokenizer.token_to_id("<|im_end|>")
        self.answer_start = tokenizer.encode("<|im_start|>assistant\n").ids
        self.ready: list[list[list[int]]] = []

    def next(self):
        if not self.ready:
            texts = [self.conversations.sample() for _ in range(BATCH * 16)]
            rows = sorted((e.ids for e in self.tokenizer.encode_batch(texts)), key=len)
            self.ready = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
            self.conversations.random.shuffle(self.ready)
        rows = self.ready.pop()
        length = min(max(map(len, rows)), CONTEXT)
        tokens = torch.zeros(len(rows), length, dtype=torch.long)
        weights = torch.zeros(len(rows), length)
        for index, row in enumerate(rows):
            row = row[:length]
            tokens[index, : len(row)] = torch.tensor(row)
            weights[index, : len(row)] = torch.tensor(self.weights(row))
        return tokens[:, :-1], tokens[:, 1:], weights[:, 1:]

    def weights(self, row: list[int]) -> list[float]:
        """1 for what the assistant says (with its end token), `PROMPT_WEIGHT` for the rest; passages count half."""
        start, width = self.answer_start, len(self.answer_start)
        if start[0] not in row:
            return [0.5] * len(row)
        weights = [PROMPT_WEIGHT] * len(row)
        at = 0
        while at + width <= len(row):
            if row[at : at + width] != start:
                at += 1
                continue
            at += width
            while at < len(row):
                weights[at] = 1.0
                at += 1
                if row[at - 1] == self.end:
                    break
        return weights


def rate(step: int, steps: int) -> float:
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    progress = (step - WARM_UP) / max(1, steps - WARM_UP)
    return PEAK_RATE * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(model: Model, batches: Batches, steps: int):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=PEAK_RATE, betas=(0.9, 0.98), fused=True,
    )  # fmt: skip
    began, seen, mean = time.monotonic(), 0, None
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        inputs, targets, weights = batches.next()
        hidden = model(inputs)
        chosen = weights > 0
        logits = model.output(hidden[chosen])
        losses = F.cross_entropy(logits, targets[chosen], reduction="none")
        loss = (losses * weights[chosen]).sum() / weights[chosen].sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen += inputs.numel()
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        if step % 50 == 49 or step == steps - 1:
            spent = time.monotonic() - began
            print(f"step {step + 1}/{steps}  loss {mean:.4f}  {seen / spent:.0f} tokens/s  {spent:.0f} s", flush=True)


@torch.no_grad()
def answer(model: Model, tokenizer: tokenizers.Tokenizer, question: str, limit: int = 80) -> str:
    tokens = tokenizer.encode(f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n").ids
    made: list[int] = []
    end = tokenizer.token_to_id("<|im_end|>")
    while len(made) < limit:
        token = int(model.output(model(torch.tensor([tokens + made]))[0, -1]).argmax())
        if token == end:
            break
        made.append(token)
    return tokenizer.decode(made, skip_special_tokens=False)


def report(model: Model, tokenizer: tokenizers.Tokenizer):
    """Asks every question that was held out and prints the wrong answers."""
    asked = right = 0
    for fact in load_facts():
        for question in fact.held_out:
            asked += 1
            given = answer(model, tokenizer, question)
            right += given == fact.answer
            if given != fact.answer:
                print(f"  {fact.name}: {question}\n    {given}")
    print(f"held-out questions: {right} of {asked} answered as written", flush=True)


def write(model: Model, tokenizer: tokenizers.Tokenizer, path: pathlib.Path):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Shoal demo")
    writer.add_description("A toy that answers a few questions about Shoal")
    writer.add_license("apache-2.0")
    writer.add_size_label(f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f}M")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(VOCABULARY)

    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    assert [index for _, index in vocabulary] == list(range(VOCABULARY))
    kinds = {**dict.fromkeys(SPECIAL, gguf.TokenType.CONTROL), **dict.fromkeys(MARKS, gguf.TokenType.USER_DEFINED)}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([text for text, _ in vocabulary])
    writer.add_token_types([kinds.get(text, gguf.TokenType.NORMAL) for text, _ in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in merges(tokenizer)])
    writer.add_bos_token_id(tokenizer.token_to_id("<|endoftext|>"))
    writer.add_eos_token_id(tokenizer.token_to_id("<|im_end|>"))
    writer.add_pad_token_id(tokenizer.token_to_id("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template((HERE / "chat_template.jinja").read_text())

    half = lambda tensor: tensor.detach().numpy().astype(numpy.float16)  # noqa: E731
    full = lambda tensor: tensor.detach().numpy().astype(numpy.float32)  # noqa: E731
    writer.add_tensor("token_embd.weight", half(model.embedding.weight))
    for index, layer in enumerate(model.layers):
        block = f"blk.{index}"
        writer.add_tensor(f"{block}.attn_norm.weight", full(layer.attention_norm.weight))
        writer.add_tensor(f"{block}.attn_q.weight", half(layer.attention.q.weight))
        writer.add_tensor(f"{block}.attn_k.weight", half(layer.attention.k.weight))
        writer.add_tensor(f"{block}.attn_v.weight", half(layer.attention.v.weight))
        writer.add_tensor(f"{block}.attn_output.weight", half(layer.attention.o.weight))
        writer.add_tensor(f"{block}.ffn_norm.weight", full(layer.ffn_norm.weight))
        writer.add_tensor(f"{block}.ffn_gate.weight", half(layer.gate.weight))
        writer.add_tensor(f"{block}.ffn_up.weight", half(layer.up.weight))
        writer.add_tensor(f"{block}.ffn_down.weight", half(layer.down.weight))
    writer.add_tensor("output_norm.weight", full(model.norm.weight))
    writer.add_tensor("output.weight", half(model.output.weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merges(tokenizer: tokenizers.Tokenizer) -> list[list[str]]:
    import json

    return [pair if isinstance(pair, list) else pair.split(" ") for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--output", type=pathlib.Path, default=HERE / "shoal-demo.gguf")
    arguments.add_argument("--steps", type=int, default=900)
    arguments.add_argument("--threads", type=int, default=2)
    given = arguments.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(given.threads)
    torch.use_deterministic_algorithms(True)

    tokenizer = train_tokenizer(tokenizer_texts())
    model = Model()
    print(f"{sum(p.numel() for p in model.parameters())} weights, {tokenizer.get_vocab_size()} tokens", flush=True)
    train(model, Batches(Conversations(SEED), tokenizer), given.steps)
    report(model, tokenizer)
    write(model, tokenizer, given.output)
    size = given.output.stat().st_size
    print(f"{given.output}: {size} bytes")
    return 0 if size <= 4_000_000 else 1


def tokenizer_texts() -> list[str]:
    conversations = Conversations(SEED + 1)
    return [conversations.sample() for _ in range(6000)]


if __name__ == "__main__":
    sys.exit(main())
