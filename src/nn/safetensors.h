#pragma once

/* nn/safetensors.h - tensors as bytes: the safetensors format (Hugging Face), read and written.
 *
 *     u64, little endian: length of the header; the header, JSON:
 *         {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"key": "value"}}
 *     then the data, little endian, tensors one behind the other
 *
 * Reading is strict, as the format's own code is: a header of at most SAFETENSORS_HEADER_MAX bytes, known types, sizes that
 * follow from the shapes, tensors that cover the data without a hole or an overlap, no name twice. Whatever bytes come,
 * nothing is read outside them. Views point into the bytes read, which may lie at any alignment. Any thread. */

#include "base/buf.h"
#include "base/ctx.h"

enum { SAFETENSORS_HEADER_MAX = 100 << 20, SAFETENSORS_TENSORS_MAX = 1 << 16, SAFETENSORS_RANK_MAX = 8 };

typedef enum TensorType {
    TENSOR_F64,
    TENSOR_F32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_I16,
    TENSOR_I8,
    TENSOR_U64,
    TENSOR_U32,
    TENSOR_U16,
    TENSOR_U8,
    TENSOR_BOOL,
    TENSOR_TYPES,
} TensorType;

typedef struct Tensor {
    Str name;
    TensorType type;
    int rank; /* 0: a single value */
    size_t shape[SAFETENSORS_RANK_MAX];
    size_t n; /* elements */
    Str bytes;
} Tensor;

typedef struct TensorNote {
    Str key, value;
} TensorNote;

typedef struct Tensors {
    Tensor *v; /* in the order of the header */
    size_t n;
    TensorNote *notes; /* the metadata */
    size_t n_notes;
} Tensors;

/* The index into cx->arena; data stays where it is. ERR_CORRUPT with what is wrong, ERR_LIMIT. */
int tensors_read(Ctx *cx, Str bytes, Tensors *out);
const Tensor *tensors_find(const Tensors *t, Str name); /* NULL when there is none */
bool tensors_note(const Tensors *t, Str key, Str *out);

/* n floats out of F64, F32, F16 or BF16; out NULL only checks. ERR_CORRUPT when t has another type or another number of
 * elements. */
int tensor_floats(Ctx *cx, const Tensor *t, size_t n, float *out);
/* A view of floats to be written. shape ends with 0. */
Tensor tensor_of_floats(Str name, const size_t *shape, const float *v);

/* Adds the whole file to out. 0, or ERR_LIMIT of out. */
int tensors_write(const Tensors *t, Buf *out);
