package config

import "strings"

// nearest returns the known key that was most likely meant, "" for none.
func nearest(key string, known []string) string {
	folded := strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(strings.ToLower(key))
	best, limit := "", len(folded)/3+1
	for _, k := range known {
		d := distance(folded, k)
		if d < limit || d == limit && best != "" && alike(folded, k) > alike(folded, best) {
			best, limit = k, d
		}
	}
	return best
}

// alike is the length of the beginning that a and b share.
func alike(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// homeOf returns the full path of a key that stands in the wrong section, "" when
// there is none or more than one such key.
func homeOf(key string) string {
	home, found := "", 0
	schema().leaves(func(n *node) {
		if n.path == key || strings.HasSuffix(n.path, "."+key) {
			home = n.path
			found++
		}
	})
	if found == 1 {
		return home
	}
	return ""
}

// distance is Levenshtein's, over bytes. Long keys are far from everything.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
