//go:build e2e || device

package e2e

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// randomTone is a frequency that no earlier run can have left anywhere. It lies
// where speech does, so that no filter on the way takes it for noise.
func randomTone() float64 { return float64(500 + rand.IntN(1500)) }

// twoTones are two that no ear takes for one another.
func twoTones() (a, b float64) {
	for a, b = randomTone(), randomTone(); math.Abs(a-b) < 150; {
		b = randomTone()
	}
	return a, b
}

// writeTone writes 4 s of beeps (250 ms on, 250 ms off) as a WAV file: browsers
// take a steady tone for noise and suppress it.
func writeTone(t testing.TB, path string, hz float64) {
	t.Helper()
	writeSound(t, path, func(at float64) float64 {
		if hz == 0 || int(at*4)%2 != 0 {
			return 0
		}
		return 0.3 * math.Sin(2*math.Pi*hz*at)
	})
}

// writeSound writes 4 s of sound, mono, 48 kHz: the value at each moment, -1 to 1.
func writeSound(t testing.TB, path string, value func(at float64) float64) {
	t.Helper()
	const rate, seconds = 48000, 4
	pcm := make([]byte, 0, rate*seconds*2)
	for i := range rate * seconds {
		v := value(float64(i) / rate)
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(v*math.MaxInt16)))
	}
	h := []byte("RIFF")
	h = binary.LittleEndian.AppendUint32(h, uint32(36+len(pcm)))
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 16)
	h = binary.LittleEndian.AppendUint16(h, 1) // PCM
	h = binary.LittleEndian.AppendUint16(h, 1) // mono
	h = binary.LittleEndian.AppendUint32(h, rate)
	h = binary.LittleEndian.AppendUint32(h, rate*2)
	h = binary.LittleEndian.AppendUint16(h, 2)
	h = binary.LittleEndian.AppendUint16(h, 16)
	h = append(h, "data"...)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(pcm)))
	if err := os.WriteFile(path, append(h, pcm...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// toneShare returns the share of the energy of pcm (mono, 48 kHz) that lies
// within 20 Hz of hz: about 1 for that tone alone, about 0 without it.
func toneShare(pcm []int16, hz float64) float64 {
	const window = 4800 // 100 ms: bins are 10 Hz apart
	var tone, all float64
	for start := 0; start+window <= len(pcm); start += window {
		part := pcm[start : start+window]
		for _, s := range part {
			all += float64(s) * float64(s)
		}
		for f := hz - 20; f <= hz+20; f += 10 {
			tone += goertzel(part, f) * 2 / window
		}
	}
	if all == 0 {
		return 0
	}
	return tone / all
}

// goertzel returns the power of one DFT bin.
func goertzel(pcm []int16, hz float64) float64 {
	w := 2 * math.Cos(2*math.Pi*hz/48000)
	var a, b float64
	for _, s := range pcm {
		a, b = float64(s)+w*a-b, a
	}
	return a*a + b*b - w*a*b
}

// loudness is the root mean square of pcm.
func loudness(pcm []int16) float64 {
	var sum float64
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / math.Max(1, float64(len(pcm))))
}

// recorded returns the last seconds of what the device's speaker played.
func (d *device) recorded(seconds float64) []int16 {
	d.t.Helper()
	return readWAV(d.t, d.dir+"/speaker.wav", seconds)
}

// readWAV returns the last seconds of a WAV file of 16-bit mono sound at 48 kHz.
func readWAV(t testing.TB, path string, seconds float64) []int16 {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil || len(file) < 44 {
		t.Fatalf("nothing was recorded: %v", err)
	}
	body := file[44:]
	n := min(int(seconds*48000)*2, len(body)/2*2)
	body = body[len(body)/2*2-n:]
	pcm := make([]int16, n/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(body[2*i:]))
	}
	return pcm
}

// toneListener is JavaScript that measures, for a second, in how many of 50
// spectra of the remote sound the strongest frequency is the given one.
const toneListener = `(async () => {
  window.listening ??= (() => {
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0, minDecibels: -120 });
    context.createMediaStreamSource(window.callbox.remoteStream()).connect(analyser);
    return { context, analyser };
  })();
  const { context, analyser } = window.listening;
  await context.resume();
  const bins = new Float32Array(analyser.frequencyBinCount);
  const heard = [];
  for (let i = 0; i < 50; i++) {
    await new Promise((done) => setTimeout(done, 20));
    analyser.getFloatFrequencyData(bins);
    let best = 1;
    for (let k = 1; k < bins.length; k++) if (bins[k] > bins[best]) best = k;
    heard.push({ hz: (best * context.sampleRate) / 8192, db: Number.isFinite(bins[best]) ? bins[best] : -200 });
  }
  return heard;
})()`

// listenForTones begins to listen to the remote sound of the present call.
func (p *phone) listenForTones() { p.t.Helper(); eval[bool](p, `(window.listening = undefined, true)`) }

// audible is in how many of 50 spectra a tone is to be: it beeps, half of the time it is
// there.
const audible = 15

// hearTone listens for a second: in how many spectra something is loud, and in how many
// of these it is the tone.
func (p *phone) hearTone(hz float64) (right, loud, spectra int) {
	p.t.Helper()
	heard := eval[[]struct{ Hz, DB float64 }](p, toneListener)
	for _, h := range heard {
		if h.DB < -70 {
			continue
		}
		loud++
		if math.Abs(h.Hz-hz) < 15 {
			right++
		}
	}
	return right, loud, len(heard)
}

// wantTone wants the phone to hear a tone, or not to.
func (p *phone) wantTone(t *testing.T, hz float64, want bool) {
	t.Helper()
	right, loud, spectra := p.hearTone(hz)
	switch {
	case want && right < audible:
		t.Errorf("the phone hears %g Hz in %d of %d spectra (%d loud)", hz, right, spectra, loud)
	case !want && loud > 5:
		t.Errorf("the phone still hears something in %d of %d spectra, %d of them %g Hz", loud, spectra, right, hz)
	}
}

func TestToneShare(t *testing.T) {
	tone := func(hz float64) []int16 {
		pcm := make([]int16, 48000)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/48000))
		}
		return pcm
	}
	if share := toneShare(tone(873), 873); share < 0.8 {
		t.Errorf("share of a tone in itself = %.2f", share)
	}
	if share := toneShare(tone(873), 1200); share > 0.05 {
		t.Errorf("share of another tone = %.2f", share)
	}
	if share := toneShare(make([]int16, 48000), 873); share != 0 {
		t.Errorf("share in silence = %.2f", share)
	}
}
