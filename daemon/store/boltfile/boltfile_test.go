package boltfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// build makes a database with random entries in three buckets, in several
// transactions with deletions, and returns the file and what must be in it.
func build(t testing.TB, rnd *rand.Rand, entries int) ([]byte, map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: 1024, FreelistType: bolt.FreelistMapType, Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for left := entries; left > 0; {
		err := db.Update(func(tx *bolt.Tx) error {
			for range 1 + rnd.IntN(40) {
				left--
				name := []string{"a", "bb", "small"}[min(2, rnd.IntN(21)/10)]
				b, err := tx.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				key := fmt.Sprint("key ", rnd.IntN(entries))
				if rnd.IntN(4) == 0 {
					delete(want, name+"/"+key)
					err = b.Delete([]byte(key))
				} else {
					value := bytes.Repeat([]byte{byte(rnd.Uint32())}, rnd.IntN(300)*rnd.IntN(12)/(rnd.IntN(9)+1))
					want[name+"/"+key] = string(value)
					err = b.Put([]byte(key), value)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, want
}

func read(data []byte, state int) (map[string]string, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	err = f.Walk(min(state, f.States()-1), func(bucket string, key, value []byte) {
		got[bucket+"/"+string(key)] = string(value)
	})
	return got, err
}

func TestReadsWhatBboltWrites(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		data, want := build(t, rnd, 5+rnd.IntN(1500))
		got, err := read(data, 0)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d: %d entries, want %d", seed, len(got), len(want))
		}
		if _, err := read(data, 1); err != nil {
			t.Errorf("seed %d: the state before the last transaction: %v", seed, err)
		}
	}
}

// TestTornMeta damages each of the two descriptions alone: the other one counts.
func TestTornMeta(t *testing.T) {
	data, _ := build(t, rand.New(rand.NewPCG(1, 2)), 300)
	for _, at := range []int{20, 1024 + 20} {
		torn := bytes.Clone(data)
		torn[at] ^= 1
		f, err := Open(bytes.NewReader(torn), int64(len(torn)))
		if err != nil || f.States() != 1 {
			t.Fatalf("damage at %d: %v", at, err)
		}
		if err := f.Walk(0, func(string, []byte, []byte) {}); err != nil {
			t.Errorf("damage at %d: %v", at, err)
		}
	}
}

// TestFreeAndInUse gives pages away that are in use: bbolt would overwrite them.
func TestFreeAndInUse(t *testing.T) {
	data, _ := build(t, rand.New(rand.NewPCG(1, 2)), 300)
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	m := f.states[0]
	list := int(m.freelist) * 1024
	if order.Uint16(data[list+10:]) < 2 {
		t.Fatal("the sample has no free pages")
	}
	for name, id := range map[string]uint64{
		"the root": m.root, "the list itself": m.freelist, "twice": order.Uint64(data[list+headerSize+8:]),
		"a meta page": 1, "behind the end": m.end,
	} {
		torn := bytes.Clone(data)
		order.PutUint64(torn[list+headerSize:], id)
		if _, err := read(torn, 0); err == nil {
			t.Errorf("%s may be free", name)
		}
	}
}

// TestPagesThatBboltWouldLose: bbolt finds a page in the branch above by the page's
// first key. Where that is not there, it links the page a second time when it writes it,
// and gives away one that is in use.
func TestPagesThatBboltWouldLose(t *testing.T) {
	data, _ := build(t, rand.New(rand.NewPCG(1, 2)), 300)
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{file: f, meta: f.states[0], seen: map[uint64]bool{}, visit: func(string, []byte, []byte) {}}
	w.tree(w.meta.root, nil, nil, w.bucket)
	branch := -1 // the offset of a page
	for id := range w.seen {
		if p, err := f.header(w.meta, id); err == nil && p.flags == branchPage && p.count > 2 {
			branch = int(id) * 1024
		}
	}
	if branch < 0 {
		t.Fatal("the sample has no branch page")
	}
	second := branch + headerSize + elementSize
	key := second + int(order.Uint32(data[second:]))
	child := int(order.Uint64(data[second+8:])) * 1024
	for name, damage := range map[string]func(data []byte){
		"an empty page": func(data []byte) { order.PutUint16(data[child+10:], 0) },
		// Between the last key of the page before and the first of its own.
		"another key above": func(data []byte) { data[key+int(order.Uint32(data[second+4:]))-1]-- },
	} {
		torn := bytes.Clone(data)
		damage(torn)
		if _, err := read(torn, 0); err == nil {
			t.Errorf("%s is called sound", name)
		}
	}
}

func TestNoDatabase(t *testing.T) {
	data, _ := build(t, rand.New(rand.NewPCG(1, 2)), 10)
	newer := bytes.Clone(data)
	newer[headerSize+4], newer[1024+headerSize+4] = 3, 3
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"empty":           {nil, ErrNoState},
		"text":            {bytes.Repeat([]byte("hello\n"), 4000), ErrNoState},
		"zeros":           {make([]byte, 16384), ErrNoState},
		"half a page":     {data[:70], ErrNoState},
		"a newer format":  {newer, ErrFormat},
		"no second state": {data[:1024], nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(bytes.NewReader(tt.data), int64(len(tt.data)))
			if !errors.Is(err, tt.want) || err != nil && tt.want == nil {
				t.Errorf("Open: %v, want %v", err, tt.want)
			}
		})
	}
}

// TestCannotSlipThrough damages structure and wants every file that is called sound
// to be one with which bbolt reads, writes and reads again what was in it.
func TestCannotSlipThrough(t *testing.T) {
	data, _ := build(t, rand.New(rand.NewPCG(7, 7)), 400)
	rnd := rand.New(rand.NewPCG(3, 4))
	sound, refused := 0, 0
	for range 1000 {
		torn := bytes.Clone(data)
		for range 1 + rnd.IntN(3) {
			page := 2 + rnd.IntN(len(data)/1024-2)
			at := page * 1024
			if rnd.IntN(2) == 0 {
				at += rnd.IntN(200) // header and elements
			} else {
				at += rnd.IntN(1024)
			}
			torn[at] = byte(rnd.Uint32())
		}
		got, err := read(torn, 0)
		if err != nil {
			refused++
			continue
		}
		sound++
		useWithBbolt(t, torn, got)
	}
	if sound < 100 || refused < 100 {
		t.Errorf("%d sound, %d refused: the damage tests one side only", sound, refused)
	}
}

func useWithBbolt(t *testing.T, data []byte, want map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := map[string]string{}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				got[string(name)+"/"+string(k)] = string(v)
				return nil
			})
		})
	})
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("bbolt reads %d entries, not %d: %v", len(got), len(want), err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			for i := range 20 {
				if err := b.Put(fmt.Append(nil, "more ", i), make([]byte, 100)); err != nil {
					return err
				}
			}
			return b.Delete([]byte("key 1"))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.View(func(tx *bolt.Tx) (found error) {
		for err := range tx.Check() { // to its end: it goes on beside
			// Pages that nobody uses only take room.
			if !bytes.Contains([]byte(err.Error()), []byte("unreachable unfreed")) {
				found = errors.Join(found, err)
			}
		}
		return found
	}); err != nil {
		t.Fatal(err)
	}
}

// FuzzFile wants no input to make the reader panic, hang or take memory that the
// file has not.
func FuzzFile(f *testing.F) {
	data, _ := build(f, rand.New(rand.NewPCG(5, 5)), 12)
	f.Add(data, uint32(0), uint64(0))
	f.Add(data, uint32(2*1024), uint64(1<<63))
	f.Fuzz(func(t *testing.T, data []byte, at uint32, value uint64) {
		if len(data) > 8 {
			order.PutUint64(data[int(at)%(len(data)-7):], value)
		}
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for state := range file.States() {
			_ = file.Walk(state, func(string, []byte, []byte) {})
		}
	})
}
