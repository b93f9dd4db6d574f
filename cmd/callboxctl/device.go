package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newDevices(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "devices",
		Short:   "Show the hardware in use and the hardware there is",
		Long:    "Show the hardware in use and the hardware there is. The names are those that hal.camera.name\nand its neighbours take in the configuration. Under one that an equal device may have after\na restart stands the name by the socket, which stays; --json lists all names.",
		Example: "  callboxctl devices",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.client().Devices(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(d, func(w io.Writer) { printHardware(w, d) })
		},
	}
}

func printHardware(w io.Writer, d control.Devices) {
	fmt.Fprintln(w, "In use:")
	table(w, func(t io.Writer) {
		for _, c := range d.Chosen {
			fmt.Fprintf(t, "  %s\t%s\n", deviceKind(c), deviceText(c))
		}
	})
	fmt.Fprintln(w, "\nThere is:")
	table(w, func(t io.Writer) {
		for _, kind := range []struct{ name, where string }{
			{"camera", "/dev/video*"}, {"microphone", "/dev/snd"}, {"speaker", "/dev/snd"}, {"display", "/dev/dri/card*"},
		} {
			if !slices.ContainsFunc(d.Found, func(f control.FoundDevice) bool { return f.Kind == kind.name }) {
				fmt.Fprintf(t, "  %s\tnone in %s\n", kind.name, kind.where)
			}
		}
		for _, f := range d.Found {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", f.Kind, oneLine(f.Name), f.Driver, oneLine(f.Description))
			if f.StableName != "" {
				fmt.Fprintf(t, "  \t%s\t\tits name while there is an equal one\n", oneLine(f.StableName))
			}
		}
	})
	if d.Detail != "" {
		fmt.Fprintf(w, "\n%s\n", clean(d.Detail))
	}
}

func newVolume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "volume [PERCENT]",
		Short:   "Show or set how loud the speaker is",
		Long:    "Show or set how loud the speaker is, from 0 to 100. It is kept over a restart.",
		Example: "  callboxctl volume\n  callboxctl volume 40",
		Args:    atMostOne("the volume in percent"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := a.volume(cmd, args)
			if err != nil {
				return err
			}
			return a.show(v, func(w io.Writer) { fmt.Fprintf(w, "the volume is %d %%\n", v.Percent) })
		},
	}
}

func (a *app) volume(cmd *cobra.Command, args []string) (control.Volume, error) {
	if len(args) == 0 {
		return a.client().Volume(cmd.Context())
	}
	percent, err := strconv.Atoi(args[0])
	if err != nil || percent < 0 || percent > 100 {
		return control.Volume{}, usagef("cannot use the volume %q; allowed: 0 to 100", args[0])
	}
	return a.client().SetVolume(cmd.Context(), percent)
}

func newSnapshot(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "snapshot [FILE|-]",
		Short: "Take a JPEG picture with the camera",
		Long: `Take a JPEG picture with the camera, in a call or not. Without FILE its name is made of
the time; - writes it to the standard output.`,
		Example: "  callboxctl snapshot door.jpg\n  callboxctl snapshot - | feh -",
		Args:    atMostOne("the file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := first(args)
			if file == "" {
				file = time.Now().Format("snapshot-20060102-150405.jpg")
			}
			if file == "-" && isTerminal(a.out) {
				return usagef("a picture is not for a terminal; write it to a file, or into a pipe")
			}
			picture, err := a.client().Snapshot(cmd.Context())
			if err != nil {
				return err
			}
			return a.save(file, picture)
		},
	}
}

func newClock(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Show what the device knows about time",
		Long: `Show what the device knows about time. While the wall clock is not trusted, hours fail to
the side that the configuration names; limits count on the clock since boot in any case.`,
		Example: "  callboxctl clock",
		Args:    verbsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client().Clock(cmd.Context())
			if err != nil {
				return err
			}
			return a.showClock(c)
		},
	}
	cmd.AddCommand(newClockReset(a))
	return cmd
}

// newClockReset is for a device that believes in a time that has not come.
func newClockReset(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reset",
		Short: "Forget what the device knew of the past of its clock",
		Long: `Forget what the device knew of the past of its clock. It keeps the latest time that it has
seen, so that an old call token cannot come to life again when the clock is put back. A
time server that once gave a time in the future makes it ask every caller for a fresh
token until then: this ends that.`,
		Example: "  callboxctl clock reset",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client().ResetClock(cmd.Context())
			if err != nil {
				return err
			}
			return a.showClock(c)
		},
	}
}

func (a *app) showClock(c control.Clock) error {
	return a.show(c, func(w io.Writer) {
		trusted := paint(green, "yes")
		if !c.Trusted {
			trusted = paint(yellow, "no")
		}
		if c.Detail != "" {
			trusted += ", " + oneLine(c.Detail)
		}
		table(w, func(t io.Writer) {
			fmt.Fprintf(t, "Wall clock\t%s\nTime zone\t%s\nTrusted\t%s\nSince boot\t%s\n",
				c.Wall.Format("2006-01-02 15:04:05 -0700"), oneLine(c.TimeZone), trusted,
				time.Duration(c.BootSeconds*float64(time.Second)).Round(time.Second))
		})
	})
}
