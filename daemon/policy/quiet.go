package policy

// Quiet reports whether the do-not-disturb times of the configuration hold now; the
// switch is not asked. While the clock is not trusted the safe side counts.
func (r *Rules) Quiet(now Clock) bool {
	switch {
	case len(r.DoNotDisturb) == 0:
		return false
	case !now.Trusted:
		return r.UntrustedClock != UntrustedAllow
	}
	return r.DoNotDisturb.Contains(now.Wall)
}
