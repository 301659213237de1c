"""A subject of `images` in Python: images_peers.py SUBJECT WORKERS FOLDER SAMPLE.

pillow, draft (Pillow decodes at a reduced scale), torchvision (its own decoder) in a PyTorch DataLoader; tensorflow in tf.data.
Prints {"images", "batches", "rate", "cpu"}, milliseconds of this process an image, and writes the first two batches to SAMPLE. Exits with 3 where a package is missing.
"""
import json
import os
import sys
import time

SIDE, BATCH = 224, 32
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
subject, workers, folder, sample = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
files = sorted(os.path.join(folder, name) for name in os.listdir(folder))
warm_up = min(8, len(files) // BATCH // 4)


def torch_batches():
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    torch.set_num_threads(1)
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)

    def by_pillow(path):
        image = Image.open(path)
        if subject == "draft":
            image.draft("RGB", (SIDE, SIDE))
        image = image.convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)
        return np.asarray(image)

    def by_torchvision(path):
        import torchvision
        from torchvision.transforms import functional as F

        image = torchvision.io.read_image(path, torchvision.io.ImageReadMode.RGB)
        return F.resize(image, [SIDE, SIDE], antialias=True).permute(1, 2, 0).numpy()

    class Files(Dataset):
        def __len__(self):
            return len(files)

        def __getitem__(self, index):
            pixels = (by_torchvision if subject == "torchvision" else by_pillow)(files[index])
            if index % 2 == 1:
                pixels = pixels[:, ::-1]
            return torch.from_numpy((pixels.astype(np.float32) / 255 - mean) / std)

    for batch in DataLoader(Files(), batch_size=BATCH, num_workers=workers):
        yield batch.numpy()


def tensorflow_batches():
    import tensorflow as tf

    def load(index, path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_FAST")
        image = tf.image.resize(image, [SIDE, SIDE], antialias=True)
        image = tf.cond(index % 2 == 1, lambda: tf.image.flip_left_right(image), lambda: image)
        return (image / 255 - MEAN) / STD

    data = tf.data.Dataset.from_tensor_slices(files).enumerate()
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return data.as_numpy_iterator()


def measure():
    first, batches, images, timed = [], 0, 0, 0
    start, used = time.perf_counter(), time.process_time()
    for batch in tensorflow_batches() if subject == "tensorflow" else torch_batches():
        if batches < 2:
            first.append(batch.tobytes())
        batches += 1
        images += len(batch)
        if batches <= warm_up:
            start, used = time.perf_counter(), time.process_time()
        else:
            timed += len(batch)
    seconds = time.perf_counter() - start
    cpu = (time.process_time() - used) * 1000 / timed
    with open(sample, "wb") as out:
        out.write(b"".join(first))
    print(json.dumps({"images": images, "batches": batches, "rate": timed / seconds, "cpu": cpu}))


if __name__ == "__main__":
    try:
        measure()
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
