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

// distance is that of Damerau and Levenshtein over bytes, where two neighbours that changed
// places count as one slip (optimal string alignment). Long keys are far from
// everything.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	above, before := make([]int, len(b)+1), make([]int, len(b)+1) // of the last row, and of that before it
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := above[j]
			if a[i] != b[j] {
				cost++
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, before[j-1]+1)
			}
			row[j+1] = min(cost, above[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
