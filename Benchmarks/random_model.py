"""Writes a llama model of random weights, about 1 GB, in the mix of Q4_K and Q6_K that Q4_K_M files have.

    python random_model.py OUTPUT.gguf [--layers 24]

Blocks are drawn directly in quantised form: scales are fixed, quants are random bits. The vocabulary is that of the demo model
plus numbered words; the output rows of everything but those words are zero, so that greedy decoding makes words that are
whole characters and never ends by itself.
"""

import argparse
import pathlib

import gguf
import numpy

WIDTH, FEED_FORWARD, HEADS, KV_HEADS, VOCABULARY = 2048, 8192, 32, 8, 32_000
HEAD = WIDTH // HEADS
DEMO = pathlib.Path(__file__).parent.parent / "Models/demo/shoal-demo.gguf"
SEED = 8800


class Blocks:
    """Draws quantised matrices whose values have about the standard deviation `1 / sqrt(columns)`."""

    def __init__(self):
        self.random = numpy.random.Generator(numpy.random.SFC64(SEED))

    def bytes(self, *shape: int) -> numpy.ndarray:
        count = int(numpy.prod(shape))
        return numpy.frombuffer(self.random.bytes(count), dtype=numpy.uint8).reshape(shape).copy()

    def q4_k(self, rows: int, columns: int) -> numpy.ndarray:
        """Super-blocks of 256 values: d, dmin (f16), 12 bytes of 6-bit scales and minima, 128 bytes of quants."""
        blocks = self.bytes(rows, columns // 256, 144)
        # Every scale and minimum is 16 of 63; a value is d * 16 * (0 ... 15) - dmin * 16, centred by dmin = 7.5 * d.
        # The first eight bytes hold six bits of one number and the upper two of another, the last four the lower bits.
        d = 1 / (16 * 4.61 * columns**0.5)
        blocks[..., 0:2] = half_bytes(d)
        blocks[..., 2:4] = half_bytes(7.5 * d)
        blocks[..., 4:12] = 16 | (16 >> 4) << 6
        blocks[..., 12:16] = 0
        return blocks.reshape(rows, -1)

    def q6_k(self, rows: int, columns: int) -> numpy.ndarray:
        """Super-blocks of 256 values: 128 + 64 bytes of quants, 16 signed scales, d (f16)."""
        blocks = self.bytes(rows, columns // 256, 210)
        blocks[..., 192:208] = 16
        blocks[..., 208:210] = half_bytes(1 / (16 * 18.5 * columns**0.5))
        return blocks.reshape(rows, -1)


def half_bytes(value: float) -> numpy.ndarray:
    return numpy.frombuffer(numpy.float16(value).tobytes(), dtype=numpy.uint8)


def more_bits(layer: int, layers: int) -> bool:
    """Which layers Q4_K_M gives six bits for `attn_v` and `ffn_down`."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def vocabulary() -> tuple[list[str], list[int], list[str]]:
    """Tokens, types and merges: those of the demo model, then words ` w0`, ` w1`, …"""
    fields = gguf.GGUFReader(DEMO).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    extra = VOCABULARY - len(tokens)
    return (
        tokens + [f"\u0120w{number}" for number in range(extra)],
        types + [int(gguf.TokenType.NORMAL)] * extra,
        merges,
    )


def write(path: pathlib.Path, layers: int):
    blocks = Blocks()
    tokens, types, merges = vocabulary()
    first_word = tokens.index("\u0120w0")
    assert first_word <= 2000, "the benchmarks draw their prompts from token 2000 on"

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Random weights")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    writer.add_context_length(8192)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(500_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)

    q4, q6 = gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q6_K
    ones = numpy.ones(WIDTH, dtype=numpy.float32)

    def matrix(name: str, rows: int, columns: int, six: bool = False):
        if six:
            writer.add_tensor(name, blocks.q6_k(rows, columns), raw_dtype=q6)
        else:
            writer.add_tensor(name, blocks.q4_k(rows, columns), raw_dtype=q4)

    matrix("token_embd.weight", VOCABULARY, WIDTH)
    for layer in range(layers):
        block, six = f"blk.{layer}", more_bits(layer, layers)
        writer.add_tensor(f"{block}.attn_norm.weight", ones)
        matrix(f"{block}.attn_q.weight", WIDTH, WIDTH)
        matrix(f"{block}.attn_k.weight", KV_HEADS * HEAD, WIDTH)
        matrix(f"{block}.attn_v.weight", KV_HEADS * HEAD, WIDTH, six)
        matrix(f"{block}.attn_output.weight", WIDTH, WIDTH)
        writer.add_tensor(f"{block}.ffn_norm.weight", ones)
        matrix(f"{block}.ffn_gate.weight", FEED_FORWARD, WIDTH)
        matrix(f"{block}.ffn_up.weight", FEED_FORWARD, WIDTH)
        matrix(f"{block}.ffn_down.weight", WIDTH, FEED_FORWARD, six)
    writer.add_tensor("output_norm.weight", ones)
    output = blocks.q6_k(VOCABULARY, WIDTH).reshape(VOCABULARY, -1, 210)
    output[:first_word, :, 208:210] = 0
    writer.add_tensor("output.weight", output.reshape(VOCABULARY, -1), raw_dtype=q6)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("output", type=pathlib.Path)
    arguments.add_argument("--layers", type=int, default=24)
    given = arguments.parse_args()
    unfinished = given.output.with_suffix(".unfinished")
    write(unfinished, given.layers)
    unfinished.rename(given.output)


if __name__ == "__main__":
    main()
