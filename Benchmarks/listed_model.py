"""Writes a llama model of zeros whose layers have just under 1 MiB each, so that it is cut into one shard per layer.

    python listed_model.py OUTPUT.gguf [--layers 60]

Nobody asks it anything: it stands in lists of models.
"""

import argparse
import pathlib

import gguf
import numpy

WIDTH, ROWS, VOCABULARY = 512, 508, 4


def write(path: pathlib.Path, layers: int):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Listed")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ROWS)
    writer.add_head_count(8)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{number}" for number in range(VOCABULARY)])
    writer.add_tensor("token_embd.weight", numpy.zeros((VOCABULARY, WIDTH), dtype=numpy.float32))
    for layer in range(layers):
        writer.add_tensor(f"blk.{layer}.ffn_up.weight", numpy.zeros((ROWS, WIDTH), dtype=numpy.float32))
    writer.add_tensor("output_norm.weight", numpy.zeros(WIDTH, dtype=numpy.float32))
    writer.add_tensor("output.weight", numpy.zeros((VOCABULARY, WIDTH), dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("output", type=pathlib.Path)
    arguments.add_argument("--layers", type=int, default=60)
    given = arguments.parse_args()
    unfinished = given.output.with_suffix(".unfinished")
    write(unfinished, given.layers)
    unfinished.rename(given.output)


if __name__ == "__main__":
    main()
