package echo

// How the suppressor learns and decides; the rates are for each frame. Found by
// sweeps over the rooms of the tests (docs/decisions/0016-echo.md).
const (
	smooth    = 0.5  // of the power of e
	meanRate  = 0.02 // of the mean powers
	leakRate  = 0.01 // of what the leak is made of: 1 s
	echoDecay = 0.5  // of the echo's power: 300 dB/s, a room of 200 ms
	// The noise falls fast to a lower e, and rises by 1.3 dB/s; if e was never lower
	// in noiseFrames, 6 s, that is it: voices pause.
	noiseFall   = 0.3
	noiseRise   = 1.003
	noiseFrames = 600

	loudest = 1e9 // above every power of a band

	leastLeak = 0.0003 // -35 dB
	leastGain = 0.03   // -30 dB

	// nearFrom and nearSure bound the mean excess of e over the expected echo, in
	// steps of 3 dB (log2), between which the person is more and more thought to
	// talk.
	nearFrom = 3.5
	nearSure = 5
	nearRise = 0.7
	nearFall = 0.2
	gainRise = 0.7
)

// band is one band of the suppressor; powers are for each bin.
type band struct {
	e     float32 // what is left, smoothed
	y     float32 // estimated echo, with its decay
	noise float32
	leak  float32 // part of y that is left in e
	gain  float32

	// The leak is the slope of e over y as both change: what does not change with
	// y, such as a voice at the device, does not count.
	meanE, meanY, covariance, variance float32

	least  float32 // of e, in the last frames
	frames int
}

func newBand() band { return band{leak: 1, gain: 1, noise: loudest, least: loudest} }

// reset forgets the echo.
func (q *band) reset() {
	q.leak, q.y = 1, 0
	q.meanE, q.meanY, q.covariance, q.variance = 0, 0, 0, 0
}

func (q *band) learn(pe, py float32) {
	q.e += smooth * (pe - q.e)
	q.y = max(py, echoDecay*q.y)
	q.learnNoise()
	de, dy := pe-q.meanE, py-q.meanY
	q.meanE += meanRate * de
	q.meanY += meanRate * dy
	q.covariance += leakRate * (de*dy - q.covariance)
	q.variance += leakRate * (dy*dy - q.variance)
	if q.variance > 0 {
		q.leak = min(max(q.covariance/q.variance, leastLeak), 1)
	}
}

func (q *band) learnNoise() {
	if q.e < q.noise {
		q.noise += noiseFall * (q.e - q.noise)
	} else {
		q.noise *= noiseRise
	}
	q.least = min(q.least, q.e)
	if q.frames++; q.frames == noiseFrames {
		q.noise = max(q.noise, q.least)
		q.least, q.frames = q.e, 0
	}
}

// echo is the power of the echo that is expected in e.
func (q *band) echo() float32 { return q.leak * q.y }

// decide sets the gain: all down to the noise when nobody talks at the device,
// else what a Wiener filter takes of the echo.
func (q *band) decide(near, most float32) {
	least := max(leastGain, sqrt(min(q.noise/q.e, 1)))
	g := max(1-q.echo()/q.e, 0) * near
	g = max(min(g, most), least)
	if g > q.gain {
		q.gain += gainRise * (g - q.gain)
	} else {
		q.gain = g
	}
}
