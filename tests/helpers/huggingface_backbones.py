"""Sizes of Hugging Face's models, and backbones that keras-nlp lacks.

Of some families it has the backbone and converts no Hugging Face model.
"""

import keras

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


def opt_backbone(model):
    """keras-nlp's OPT with the weights of Hugging Face's."""
    import keras_nlp

    weights = model.decoder.state_dict()
    # The table begins with two rows that nothing reads.
    table = weights["embed_positions.weight"].numpy()[2:]
    backbone = keras_nlp.models.OPTBackbone(
        vocabulary_size=11,
        num_layers=2,
        num_heads=4,
        hidden_dim=model.config.hidden_size,
        intermediate_dim=24,
        max_sequence_length=table.shape[0],
        dropout=0.0,
    )
    variables = {v.path: v for v in backbone.weights}
    variables["embeddings/position_embedding/embeddings"].assign(table)
    names = {
        "self_attention/query": "self_attn.q_proj",
        "self_attention/key": "self_attn.k_proj",
        "self_attention/value": "self_attn.v_proj",
        "self_attention/attention_output": "self_attn.out_proj",
        "self_attention_layer_norm": "self_attn_layer_norm",
        "feedforward_intermediate_dense": "fc1",
        "feedforward_output_dense": "fc2",
        "feedforward_layer_norm": "final_layer_norm",
    }
    pairs = {"layer_norm": "final_layer_norm"}
    for i in range(2):
        for ours, theirs in names.items():
            pairs[f"transformer_layer_{i}/{ours}"] = f"layers.{i}.{theirs}"
    for ours, theirs in pairs.items():
        for kind, name in (
            ("kernel", "weight"),
            ("gamma", "weight"),
            ("bias", "bias"),
            ("beta", "bias"),
        ):
            if f"{ours}/{kind}" in variables:
                put(variables[f"{ours}/{kind}"], weights[f"{theirs}.{name}"])
    return backbone


def t5_backbone(model):
    """keras-nlp's T5 with the weights of Hugging Face's encoder."""
    import keras_nlp

    gated = model.config.is_gated_act
    approximate = keras.saving.get_registered_object(
        "keras_hub>gelu_approximate"
    )
    backbone = keras_nlp.models.T5Backbone(
        vocabulary_size=11,
        num_layers=2,
        num_heads=4,
        hidden_dim=model.config.hidden_size,
        intermediate_dim=24,
        key_value_dim=6,
        dropout=0.0,
        activation=approximate if gated else "relu",
        use_gated_activation=gated,
    )
    stack = model.encoder
    put(backbone.encoder_layer_norm.weight, stack.final_layer_norm.weight)
    for ours, theirs in zip(
        backbone.encoder_transformer_layers, stack.block, strict=True
    ):
        attend, feed = theirs.layer
        put(ours.self_attention_layer_norm.weight, attend.layer_norm.weight)
        put(ours.layer_norm.weight, feed.layer_norm.weight)
        attention = ours.self_attention
        layers = {
            attention.query_projector: attend.SelfAttention.q,
            attention.key_projector: attend.SelfAttention.k,
            attention.value_projector: attend.SelfAttention.v,
            attention.output_projector: attend.SelfAttention.o,
            ours.output_projector: feed.DenseReluDense.wo,
        }
        if gated:
            layers[ours.input_projector] = feed.DenseReluDense.wi_0
            layers[ours.gate_projector] = feed.DenseReluDense.wi_1
        else:
            layers[ours.input_projector] = feed.DenseReluDense.wi
        for layer, linear in layers.items():
            put(layer.kernel, linear.weight)
    distances = stack.block[0].layer[0].SelfAttention.relative_attention_bias
    first = backbone.encoder_transformer_layers[0].self_attention
    put(first.relative_attention_bias, distances.weight)
    return backbone


def put(variable, tensor):
    value = tensor.detach().numpy()
    if variable.name == "kernel":
        value = value.T
    variable.assign(value.reshape(variable.shape))


# What is tested beside these is saved and loaded: keras-nlp reads it.
BY_HAND = {"OPTModel": opt_backbone, "T5EncoderModel": t5_backbone}
