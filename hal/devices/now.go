package devices

import "slices"

// Now is Report with cameras and sound as they were when they were last looked for:
// by Look, or because they were opened.
func (s *Set) Now() []Choice {
	report := slices.Clone(s.Report)
	if s.chooser != nil {
		copy(report, s.chooser.last())
	}
	return report
}

// Look looks for cameras and sound, and logs what has come or is missing since the last
// time. It opens none for streaming.
func (s *Set) Look() {
	if s.chooser != nil {
		s.chooser.lookForCameras()
		s.chooser.lookForSound()
	}
}
