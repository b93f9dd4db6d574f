package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	callsName = "calls.db"
	// lockTimeout bounds the wait for another process that has the file open. The
	// lock of the directory keeps a second daemon out before it gets here.
	// While the daemon runs nothing is waited for.
	lockTimeout = time.Second
	lockPoll    = 25 * time.Millisecond
)

// The buckets. Keys of calls are the ID, 8 bytes, the largest first; others are
// text. Each value is sealed.
const (
	infoBucket     = "info"
	callsBucket    = "calls"
	budgetsBucket  = "budgets"
	settingsBucket = "settings"

	versionKey = "version" // a number; what it is and how it is sealed never changes
	stateKey   = "state"
)

// state is written with each transaction.
type state struct {
	Records int    `json:"records"` // how many there are: none may be missing
	Next    uint64 `json:"next"`
}

// op is one change of the file; a value of nil deletes.
type op struct {
	bucket string
	key    []byte
	value  []byte
}

// callsFile is calls.db. A change is durable when put or create returns.
type callsFile struct {
	files  files
	schema schema
	now    func() time.Time
	handle *os.File      // open and locked; nil: not
	db     *bolt.DB      // over handle; nil: not open
	wait   time.Duration // for the lock
	// anew orders that the next write makes a new file of all that memory holds.
	anew bool
	// unread is set when a file is in place that could not be read: it must not be
	// replaced before it is moved aside.
	unread bool
}

func (f *callsFile) path() string { return f.files.path(callsName) }

// acquire opens the file at path and locks it: nobody changes it while it is looked
// at. The lock is that which bbolt takes.
func (f *callsFile) acquire(path string, flag int) error {
	h, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|flag, 0o600)
	if err != nil {
		return err
	}
	for waited := time.Duration(0); ; waited += lockPoll {
		err = syscall.Flock(int(h.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || waited >= f.wait {
			break
		}
		time.Sleep(lockPoll)
	}
	if err != nil {
		h.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("cannot open %s: %w: another process has the file open; stop it", path, ErrLocked)
		}
		return err
	}
	f.handle = h
	return nil
}

// open has bbolt open the acquired file, which must be sound or new.
func (f *callsFile) open() error {
	err := guard(func() (err error) {
		f.db, err = bolt.Open(f.handle.Name(), 0o600, &bolt.Options{
			Timeout: lockPoll, FreelistType: bolt.FreelistMapType, NoStatistics: true,
			OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f.handle, nil },
		})
		return err
	})
	if err != nil {
		f.abandon()
	}
	return err
}

// put carries out ops in one transaction.
func (f *callsFile) put(ops []op) error {
	if err := f.files.step("commit"); err != nil {
		return err
	}
	return guard(func() error { return f.db.Update(func(tx *bolt.Tx) error { return carryOut(tx, ops) }) })
}

func carryOut(tx *bolt.Tx, ops []op) error {
	for _, o := range ops {
		b, err := tx.CreateBucketIfNotExists([]byte(o.bucket))
		if err != nil {
			return err
		}
		if o.value == nil {
			err = b.Delete(o.key)
		} else {
			err = b.Put(o.key, o.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// create makes a new file that holds ops, and puts it in the place of the old one.
func (f *callsFile) create(ops []op) error {
	if f.unread {
		if _, err := f.aside(f.path()); ignoreMissing(err) != nil {
			return err
		}
		f.unread = false
	}
	f.close()
	temp := f.path() + ".tmp"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := f.files.step("create"); err != nil {
		return err
	}
	err := f.acquire(temp, os.O_CREATE|os.O_EXCL)
	if err == nil {
		err = f.open()
	}
	if err == nil {
		err = f.put(append([]op{{infoBucket, []byte(versionKey), seal(infoBucket, []byte(versionKey), f.schema.version)}}, ops...))
	}
	if err == nil {
		err = f.files.step("rename")
	}
	if err == nil {
		err = os.Rename(temp, f.path())
	}
	if err == nil {
		err = f.files.step("sync")
	}
	if err == nil {
		err = f.files.syncDir()
	}
	if err != nil {
		f.close()
		return errors.Join(err, ignoreMissing(os.Remove(temp)))
	}
	f.anew = false
	return nil
}

// inPlace reports whether the open file is the one that a restart would find: a
// person may have moved or removed it.
func (f *callsFile) inPlace() bool {
	mine, err := f.handle.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.path())
	return err == nil && os.SameFile(mine, there)
}

// close closes the file. bbolt must not have panicked in it.
func (f *callsFile) close() {
	if f.db != nil {
		_ = guard(f.db.Close) // the changes are on the disk
	}
	f.abandon()
}

// abandon lets go of a file in which bbolt has panicked, perhaps with its locks
// held: its own Close could wait for ever. The memory map stays until the process
// ends.
func (f *callsFile) abandon() {
	if f.handle != nil {
		f.handle.Close() // gives up the lock; closing twice is no harm
	}
	f.db, f.handle = nil, nil
}

// panicked is the error of a panic inside bbolt: the file is damaged.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("the database broke off: %v", p.value) }

// guard runs f and makes an error of a panic, and of the fault that a memory map
// raises where the file has no page.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = panicked{v}
		}
	}()
	return f()
}

// noSpace reports whether err may go away by itself and has damaged nothing.
func noSpace(err error) bool {
	for _, full := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		// bbolt makes text of the error when it cannot make its file larger.
		if errors.Is(err, full) || strings.HasSuffix(err.Error(), full.Error()) {
			return true
		}
	}
	return false
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
