package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

// completionPatience is how long a shell waits for names. Who presses the tabulator
// must not wait for a daemon that hangs.
const completionPatience = time.Second

func newCompletion(_ *app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the completion script of a shell",
		Long: `Print the script with which a shell completes verbs, flags, and the names of contacts
and calls, which it asks the daemon for. That of bash needs the package bash-completion.`,
		Example: `  callboxctl completion bash > /etc/bash_completion.d/callboxctl
  callboxctl completion zsh  > "${fpath[1]}/_callboxctl"
  callboxctl completion fish > ~/.config/fish/completions/callboxctl.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args:      oneWord("bash", "zsh", "fish"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			}
			return root.GenFishCompletion(out, true)
		},
	}
}

// completer is what cobra asks for the next word.
type completer = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// names completes with the contacts that pick chooses. groups adds group:NAME; many
// goes on after the first one.
func (a *app) names(pick func(control.Contact) bool, groups, many bool) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		contacts, err := a.client().Contacts(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var words []string
		add := func(word, describes string) {
			for _, old := range append(args, words...) {
				if old == word || strings.HasPrefix(old, word+"\t") {
					return
				}
			}
			words = append(words, word+"\t"+describes)
		}
		for _, c := range contacts {
			switch {
			case !pick(c):
			case oneLine(c.Name) == c.Name:
				add(c.Name, describe(c))
			default: // a name that a shell cannot pass on
				add(c.Thumbprint, oneLine(c.Name)+": "+describe(c))
			}
		}
		for _, c := range contacts {
			for _, g := range c.Groups {
				if groups && pick(c) {
					add(control.GroupPrefix+oneLine(g), "everybody in "+oneLine(g))
				}
			}
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

func trusted(c control.Contact) bool { return !c.Revoked }
func everybody(control.Contact) bool { return true }
func describe(c control.Contact) string {
	if c.Revoked {
		return "revoked"
	}
	return strings.Join(c.EffectiveRights, ", ")
}

// oneLine is clean text without what would end a word list's line.
func oneLine(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

// room completes with the running call.
func (a *app) room(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
	defer cancel()
	status, err := a.client().Status(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	if len(args) > 0 || status.Call == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{status.Call.RoomID + "\t" + status.Call.State + " with " + oneLine(status.Call.Contact)}, cobra.ShellCompDirectiveNoFileComp
}

// words completes a flag with fixed words.
func words(list ...string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// completes ties a completer to a flag. It fails only for a flag that is not there.
func completes(cmd *cobra.Command, flag string, c completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, c); err != nil {
		panic(err)
	}
}
