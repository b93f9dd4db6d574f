package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal encodes v as JSON behind a checksum of bucket, key and text: bbolt has none
// for what it keeps. It is nil for what JSON cannot hold: nothing of ours, because
// what comes in is made fit (tidy, whole, SetSetting).
func seal(bucket string, key []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return append(binary.BigEndian.AppendUint32(nil, checksum(bucket, key, text)), text...)
}

// unseal returns the text that seal made, a copy.
func unseal(bucket string, key, value []byte) ([]byte, error) {
	if len(value) < 4 || binary.BigEndian.Uint32(value) != checksum(bucket, key, value[4:]) {
		return nil, fmt.Errorf("an entry of %s has a wrong checksum", bucket)
	}
	return append([]byte{}, value[4:]...), nil
}

func checksum(bucket string, key, text []byte) uint32 {
	sum := crc32.Checksum([]byte(bucket), castagnoli)
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, text)
}

func recordKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }
