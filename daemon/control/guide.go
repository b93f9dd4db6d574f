package control

// guides is the folder of the guides; a package sets it to where they are installed.
var guides = "docs/"

// Guide is where a person finds a page of the guides, for example hooks.md.
func Guide(page string) string { return guides + page }
