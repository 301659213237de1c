"""tf.data's performance guide, timed: seconds of each case as JSON. The same sleeps as bench/cases/guide.ts."""
import json
import time

import tensorflow as tf

OPEN, READ, MAP, TRAIN = 0.03, 0.015, 0.03, 0.01


def samples(count):
    time.sleep(OPEN)
    for index in range(count):
        time.sleep(READ)
        yield (index,)


def artificial(count=3):
    return tf.data.Dataset.from_generator(
        samples, output_signature=(tf.TensorSpec((1,), tf.int64)), args=(count,)
    )


def mapped(x):
    return tf.ensure_shape(tf.py_function(lambda y: (time.sleep(MAP), y)[1], [x], tf.int64), (1,))


def epochs(make, count):
    dataset = make()  # a cache is filled anew
    start = time.perf_counter()
    for _ in range(count):
        for _ in dataset:
            time.sleep(TRAIN)
    return time.perf_counter() - start


AUTO = tf.data.AUTOTUNE
two = tf.data.Dataset.range(2)
CASES = {
    "naive": (artificial, 2),
    "prefetch": (lambda: artificial().prefetch(AUTO), 2),
    "sequential interleave": (lambda: two.interleave(lambda _: artificial()), 2),
    "parallel interleave": (
        lambda: two.interleave(lambda _: artificial(), num_parallel_calls=AUTO).prefetch(AUTO),
        2,
    ),
    "sequential map": (lambda: artificial().map(mapped), 2),
    "parallel map": (lambda: artificial().map(mapped, num_parallel_calls=AUTO).prefetch(AUTO), 2),
    "cache": (lambda: artificial().map(mapped).cache(), 5),
}

epochs(lambda: artificial(1).map(mapped), 1)  # what is set up once is not measured
print(json.dumps({name: min(epochs(*case) for _ in range(3)) for name, case in CASES.items()}))
