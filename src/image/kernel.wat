;; The two passes of a resize in bytes, eight products at a time.
;;
;; A pixel of the result is a sum over neighbouring pixels times whole weights of 22 binary digits, rounded to a byte. Products
;; are made in pairs by i32x4.dot_i16x8_s, which takes 16 bits: each weight comes as high * 2^14 + low, and both sums are put
;; together at the end. That is exact: the result is what 32-bit arithmetic gives.
;;
;; Taps, for each pixel of the result in turn: i32 where its first pixel lies, in bytes (across) or rows (down); i32 how many
;; pairs of weights follow; then a fixed number of pairs, each as i16 high, high, low, low. A pair that lacks its second pixel
;; has the weight 0 for it, and reads whatever is there.
;;
;; Rows are read up to 8 bytes beyond their end and written up to 15 beyond: callers leave room behind the last one.
(module
  (memory (export "memory") 1)

  ;; (high * 2^14 + low + half) / 2^22, rounded down
  (func $whole (param $high v128) (param $low v128) (result v128)
    (i32x4.shr_s
      (i32x4.add
        (i32x4.add (i32x4.shl (local.get $high) (i32.const 14)) (local.get $low))
        (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (i32.const 22)))

  ;; Along rows, four rows at a time: `rows` is rounded up to a multiple of 4.
  ;; `mask` is where 16 bytes lie that lay out two pixels of `channels` bytes as pairs of 16 bits, channel by channel.
  (func (export "across")
    (param $from i32) (param $fromStride i32) (param $to i32) (param $toStride i32)
    (param $rows i32) (param $width i32) (param $channels i32)
    (param $taps i32) (param $tapsStride i32) (param $mask i32)
    (local $order v128) (local $x i32) (local $tap i32) (local $pair i32) (local $end i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $out i32)
    (local $high v128) (local $low v128) (local $pixels v128)
    (local $ah v128) (local $al v128) (local $bh v128) (local $bl v128)
    (local $ch v128) (local $cl v128) (local $dh v128) (local $dl v128)
    (local.set $order (v128.load (local.get $mask)))
    (block $done
      (loop $nextRows
        (br_if $done (i32.le_s (local.get $rows) (i32.const 0)))
        (local.set $tap (local.get $taps))
        (local.set $out (local.get $to))
        (local.set $x (local.get $width))
        (loop $nextPixel
          (local.set $a (i32.add (local.get $from) (i32.load (local.get $tap))))
          (local.set $b (i32.add (local.get $a) (local.get $fromStride)))
          (local.set $c (i32.add (local.get $b) (local.get $fromStride)))
          (local.set $d (i32.add (local.get $c) (local.get $fromStride)))
          (local.set $pair (i32.add (local.get $tap) (i32.const 8)))
          (local.set $end
            (i32.add (local.get $pair) (i32.shl (i32.load offset=4 (local.get $tap)) (i32.const 3))))
          (local.set $ah (v128.const i32x4 0 0 0 0)) (local.set $al (v128.const i32x4 0 0 0 0))
          (local.set $bh (v128.const i32x4 0 0 0 0)) (local.set $bl (v128.const i32x4 0 0 0 0))
          (local.set $ch (v128.const i32x4 0 0 0 0)) (local.set $cl (v128.const i32x4 0 0 0 0))
          (local.set $dh (v128.const i32x4 0 0 0 0)) (local.set $dl (v128.const i32x4 0 0 0 0))
          (loop $nextPair
            (local.set $high (v128.load32_splat (local.get $pair)))
            (local.set $low (v128.load32_splat offset=4 (local.get $pair)))
            (local.set $pixels (i8x16.swizzle (v128.load64_zero (local.get $a)) (local.get $order)))
            (local.set $ah (i32x4.add (local.get $ah) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $high))))
            (local.set $al (i32x4.add (local.get $al) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $low))))
            (local.set $pixels (i8x16.swizzle (v128.load64_zero (local.get $b)) (local.get $order)))
            (local.set $bh (i32x4.add (local.get $bh) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $high))))
            (local.set $bl (i32x4.add (local.get $bl) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $low))))
            (local.set $pixels (i8x16.swizzle (v128.load64_zero (local.get $c)) (local.get $order)))
            (local.set $ch (i32x4.add (local.get $ch) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $high))))
            (local.set $cl (i32x4.add (local.get $cl) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $low))))
            (local.set $pixels (i8x16.swizzle (v128.load64_zero (local.get $d)) (local.get $order)))
            (local.set $dh (i32x4.add (local.get $dh) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $high))))
            (local.set $dl (i32x4.add (local.get $dl) (i32x4.dot_i16x8_s (local.get $pixels) (local.get $low))))
            (local.set $a (i32.add (local.get $a) (i32.shl (local.get $channels) (i32.const 1))))
            (local.set $b (i32.add (local.get $b) (i32.shl (local.get $channels) (i32.const 1))))
            (local.set $c (i32.add (local.get $c) (i32.shl (local.get $channels) (i32.const 1))))
            (local.set $d (i32.add (local.get $d) (i32.shl (local.get $channels) (i32.const 1))))
            (br_if $nextPair
              (i32.lt_u (local.tee $pair (i32.add (local.get $pair) (i32.const 8))) (local.get $end))))
          ;; four bytes of each row: those beyond the channels are written over by the next pixel
          (local.set $pixels
            (i8x16.narrow_i16x8_u
              (i16x8.narrow_i32x4_s
                (call $whole (local.get $ah) (local.get $al)) (call $whole (local.get $bh) (local.get $bl)))
              (i16x8.narrow_i32x4_s
                (call $whole (local.get $ch) (local.get $cl)) (call $whole (local.get $dh) (local.get $dl)))))
          (local.set $a (i32.add (local.get $out) (local.get $toStride)))
          (local.set $b (i32.add (local.get $a) (local.get $toStride)))
          (v128.store32_lane 0 (local.get $out) (local.get $pixels))
          (v128.store32_lane 1 (local.get $a) (local.get $pixels))
          (v128.store32_lane 2 (local.get $b) (local.get $pixels))
          (v128.store32_lane 3 (i32.add (local.get $b) (local.get $toStride)) (local.get $pixels))
          (local.set $out (i32.add (local.get $out) (local.get $channels)))
          (local.set $tap (i32.add (local.get $tap) (local.get $tapsStride)))
          (br_if $nextPixel (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
        (local.set $from (i32.add (local.get $from) (i32.shl (local.get $fromStride) (i32.const 2))))
        (local.set $to (i32.add (local.get $to) (i32.shl (local.get $toStride) (i32.const 2))))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 4)))
        (br $nextRows))))

  ;; Along columns, sixteen bytes at a time; rows of the result lie next to each other.
  (func (export "down")
    (param $from i32) (param $fromStride i32) (param $to i32) (param $bytes i32) (param $height i32)
    (param $taps i32) (param $tapsStride i32)
    (local $x i32) (local $row i32) (local $pair i32) (local $end i32)
    (local $high v128) (local $low v128) (local $a v128) (local $b v128) (local $pixels v128)
    (local $ah v128) (local $al v128) (local $bh v128) (local $bl v128)
    (local $ch v128) (local $cl v128) (local $dh v128) (local $dl v128)
    (loop $nextRow
      (local.set $x (i32.const 0))
      (loop $nextBytes
        (local.set $row
          (i32.add
            (i32.add (local.get $from) (local.get $x))
            (i32.mul (i32.load (local.get $taps)) (local.get $fromStride))))
        (local.set $pair (i32.add (local.get $taps) (i32.const 8)))
        (local.set $end
          (i32.add (local.get $pair) (i32.shl (i32.load offset=4 (local.get $taps)) (i32.const 3))))
        (local.set $ah (v128.const i32x4 0 0 0 0)) (local.set $al (v128.const i32x4 0 0 0 0))
        (local.set $bh (v128.const i32x4 0 0 0 0)) (local.set $bl (v128.const i32x4 0 0 0 0))
        (local.set $ch (v128.const i32x4 0 0 0 0)) (local.set $cl (v128.const i32x4 0 0 0 0))
        (local.set $dh (v128.const i32x4 0 0 0 0)) (local.set $dl (v128.const i32x4 0 0 0 0))
        (loop $nextPair
          (local.set $high (v128.load32_splat (local.get $pair)))
          (local.set $low (v128.load32_splat offset=4 (local.get $pair)))
          (local.set $a (v128.load (local.get $row)))
          (local.set $b (v128.load (i32.add (local.get $row) (local.get $fromStride))))
          (local.set $pixels
            (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
          (local.set $b
            (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $a) (local.get $b)))
          (local.set $a (i16x8.extend_low_i8x16_u (local.get $pixels)))
          (local.set $ah (i32x4.add (local.get $ah) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $al (i32x4.add (local.get $al) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $a (i16x8.extend_high_i8x16_u (local.get $pixels)))
          (local.set $bh (i32x4.add (local.get $bh) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $bl (i32x4.add (local.get $bl) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $a (i16x8.extend_low_i8x16_u (local.get $b)))
          (local.set $ch (i32x4.add (local.get $ch) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $cl (i32x4.add (local.get $cl) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $a (i16x8.extend_high_i8x16_u (local.get $b)))
          (local.set $dh (i32x4.add (local.get $dh) (i32x4.dot_i16x8_s (local.get $a) (local.get $high))))
          (local.set $dl (i32x4.add (local.get $dl) (i32x4.dot_i16x8_s (local.get $a) (local.get $low))))
          (local.set $row (i32.add (local.get $row) (i32.shl (local.get $fromStride) (i32.const 1))))
          (br_if $nextPair
            (i32.lt_u (local.tee $pair (i32.add (local.get $pair) (i32.const 8))) (local.get $end))))
        (v128.store (i32.add (local.get $to) (local.get $x))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (call $whole (local.get $ah) (local.get $al)) (call $whole (local.get $bh) (local.get $bl)))
            (i16x8.narrow_i32x4_s
              (call $whole (local.get $ch) (local.get $cl)) (call $whole (local.get $dh) (local.get $dl)))))
        (br_if $nextBytes
          (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 16))) (local.get $bytes))))
      (local.set $to (i32.add (local.get $to) (local.get $bytes)))
      (local.set $taps (i32.add (local.get $taps) (local.get $tapsStride)))
      (br_if $nextRow (local.tee $height (i32.sub (local.get $height) (i32.const 1))))))

  ;; Adds 1 to the red and the blue of `bytes` bytes of RGB, up to 255; `bytes` is rounded up to a multiple of 48.
  (func (export "lift") (param $at i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (local.get $bytes)))
    (loop $next
      (v128.store (local.get $at)
        (i8x16.add_sat_u (v128.load (local.get $at)) (v128.const i8x16 1 0 1 1 0 1 1 0 1 1 0 1 1 0 1 1)))
      (v128.store offset=16 (local.get $at)
        (i8x16.add_sat_u
          (v128.load offset=16 (local.get $at)) (v128.const i8x16 0 1 1 0 1 1 0 1 1 0 1 1 0 1 1 0)))
      (v128.store offset=32 (local.get $at)
        (i8x16.add_sat_u
          (v128.load offset=32 (local.get $at)) (v128.const i8x16 1 1 0 1 1 0 1 1 0 1 1 0 1 1 0 1)))
      (br_if $next
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 48))) (local.get $end))))))
