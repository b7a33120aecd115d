"""Sizes of Hugging Face's models in tests."""

# More tokens than T5 tells the distances of apart; T5 joins those beyond 128.
NUM_TOKENS, HIDDEN_DIM = 140, 32
BERT = {
    "hidden_size": HIDDEN_DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "vocab_size": 11,
    "max_position_embeddings": NUM_TOKENS,
}
