package echo

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"callbox/hal"
	"callbox/hal/haltest"
	"callbox/hal/wav"
)

// espeak's voices, and what they say.
var espeakVoices = map[string][]string{
	"en": {"-v", "en", "-s", "150", "-p", "40", "Good morning. I am standing in front of your house with a parcel for you. " +
		"Could you please open the door? It is rather large, so I would like to put it down inside. Thank you very much. " +
		"I will also need a signature, if you do not mind. The weather is awful today, it has been raining since early in " +
		"the morning. Shall I wait here, or should I come back in the afternoon? My number is five five five, two three six eight."},
	"us": {"-v", "en-us+f3", "-s", "160", "-p", "60", "Hello there, this is the front desk. Your visitor has arrived and is " +
		"waiting in the lobby. She says that she has an appointment at half past two. May I send her up to the third floor? " +
		"Please press the button when you are ready. By the way, the elevator on the left is out of order. The technician " +
		"should be here before four o'clock. Until then everybody has to use the stairs, or the elevator at the end."},
	"de": {"-v", "de", "-s", "150", "-p", "35", "Guten Tag, hier ist der Hausmeister. Im Keller ist heute Nacht ein Rohr " +
		"geplatzt, deshalb wird das Wasser von zehn bis zwölf Uhr abgestellt. Bitte füllen Sie vorher einen Topf. Wenn Sie " +
		"Fragen haben, rufen Sie mich gerne an. Ich bin den ganzen Tag im Haus und komme auch kurz bei Ihnen vorbei."},
	"fr": {"-v", "fr+f2", "-s", "165", "-p", "55", "Bonjour, c'est votre voisine du deuxième étage. J'ai reçu une lettre " +
		"pour vous par erreur. Est-ce que je peux vous la donner maintenant, ou est-ce que vous préférez que je la glisse " +
		"sous la porte? Je serai chez moi toute la soirée. Mon fils vous apportera aussi les clés de la cave. À bientôt."},
}

// human is the voice of Debian's alsa-utils: "front left", "rear right" and so on.
const human = "human"

// voice returns some seconds of a talker. Without espeak-ng and alsa-utils, which
// .ci/setup test installs, the test is skipped, and fails in CI.
func voice(t testing.TB, name string) []int16 {
	t.Helper()
	if testing.Short() {
		t.Skip("minutes of speech")
	}
	var pcm []int16
	if name == human {
		files, err := filepath.Glob("/usr/share/sounds/alsa/*_*.wav")
		if err != nil || len(files) == 0 {
			haltest.Missing(t, "alsa-utils with its recordings")
		}
		slices.Sort(files)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			pcm = append(pcm, decode(t, b)...)
		}
		return pcm
	}
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		haltest.Missing(t, "espeak-ng")
	}
	out, err := exec.Command("espeak-ng", append([]string{"--stdout"}, espeakVoices[name]...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, out)
}

func decode(t testing.TB, file []byte) []int16 {
	t.Helper()
	pcm, err := wav.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

// speak returns n samples of a voice, over and over, at a level in dBFS.
func speak(pcm []int16, n int, level float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(pcm[i%len(pcm)]) / 32768
	}
	return scale(out, fromDB(level-talking(out)))
}

// talking is the level of a voice without its pauses: of the frames that are less
// than 30 dB below the loudest.
func talking(x []float64) float64 {
	var powers []float64
	for i := 0; i+hal.FrameSamples <= len(x); i += hal.FrameSamples {
		powers = append(powers, energy(x[i:i+hal.FrameSamples])/hal.FrameSamples)
	}
	loudest := slices.Max(powers)
	powers = slices.DeleteFunc(powers, func(p float64) bool { return p < loudest/1000 })
	sum := 0.0
	for _, p := range powers {
		sum += p
	}
	return dB(sum / float64(len(powers)))
}
