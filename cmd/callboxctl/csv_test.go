package main

import (
	"encoding/csv"
	"strings"
	"testing"

	"callbox/daemon/control"
)

// TestNamesAreNoFormulas: a name comes from a phone.
func TestNamesAreNoFormulas(t *testing.T) {
	for name, want := range map[string]string{
		`=HYPERLINK("http://evil.example","x")`: `'=HYPERLINK("http://evil.example","x")`,
		"+49 170":                               "'+49 170", "-1+1": "'-1+1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "=1": "'=1",
		"Anna": "Anna", "Anna =1": "Anna =1", "'s": "'s", "": "",
	} {
		var out strings.Builder
		if err := writeCSV(&out, []control.Record{{Contact: name}}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
		if err != nil || len(rows) != 2 || rows[0][4] != "contact" || rows[1][4] != want {
			t.Errorf("%q became %q, %v; want %q", name, rows, err, want)
		}
	}
}
