package images

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// ZipOptions protect against packing the wrong directory. The limits are those of this
// package, not of the service. If one is negative, the error is an *ArtifactError that
// wraps a smithy.InvalidParamsError.
type ZipOptions struct {
	MaxFiles int   // files and directories; the default is 100,000
	MaxBytes int64 // before compression; the default is 4 GiB
}

func (o *ZipOptions) check() error {
	check := workflow.CheckOptions("ZipOptions")
	workflow.AtLeast(check, "MaxFiles", o.MaxFiles, 0)
	workflow.AtLeast(check, "MaxBytes", o.MaxBytes, 0)
	return check.Err()
}

// Archive describes the result of Zip or HashDir.
type Archive struct {
	Files int   // without directories
	Bytes int64 // before compression
	// Hash identifies paths, contents and executable bits. It does not depend on the
	// compression.
	Hash string
}

// ArtifactError reports that a directory cannot be packed.
type ArtifactError struct {
	Dir     string
	Path    string // within Dir; empty if the problem concerns all of it
	Problem string
	Err     error
}

func (e *ArtifactError) Error() string {
	text := "images: pack"
	separator := " "
	add := func(part string) {
		if part != "" {
			text += separator + redact.Clean(part, redact.MaxText) // file names may hold anything
			separator = ": "
		}
	}
	add(e.Dir)
	add(e.Path)
	add(e.Problem)
	if e.Err != nil {
		add(e.Err.Error())
	}
	return text
}

func (e *ArtifactError) Unwrap() error { return e.Err }

// Zip packs a directory as the artifact of an image and writes the archive to w.
//
// The same files give the same bytes: entries are sorted, times are fixed, and modes are
// 0644, or 0755 if the owner may execute the file. Only another version of Go may
// compress differently.
//
//   - The directory must contain a Dockerfile. It is always packed.
//   - Zip omits what .dockerignore excludes, by the rules of BuildKit. If there is a
//     Dockerfile.dockerignore, it is used instead. These files are limited to 256 KiB,
//     and each pattern to 4 KiB.
//   - Zip does not open excluded directories unless an exception can match something in
//     them.
//   - A symbolic link becomes a copy of its target, which must be a file in the directory
//     that is not excluded. Links to directories are errors.
//   - Anything else that is neither a file nor a directory is an error.
//   - A file that is changed or replaced after Zip has listed it, and before Zip has read
//     it, is an error.
//   - If w is a file in the directory, Zip omits it.
//
// Zip compresses on up to 12 cores. It needs less than 64 MiB for 100,000 files.
//
// All errors are *ArtifactError, also when the context ends.
func Zip(ctx context.Context, w io.Writer, dir string, optFns ...func(*ZipOptions)) (*Archive, error) {
	l, err := listDir(ctx, dir, w, optFns)
	if err != nil {
		return nil, err
	}
	defer l.close()
	p := &packer{lister: l, compress: true, sum: sha256.New()}
	out := newZipper(w)
	if err := p.run(ctx, out.add); err != nil {
		return nil, err
	}
	if err := out.close(); err != nil {
		return nil, p.fail("", "", err)
	}
	return p.archive(), nil
}

// HashDir returns the same Archive as Zip, many times faster: it reads the files, but
// neither compresses nor writes them.
func HashDir(ctx context.Context, dir string, optFns ...func(*ZipOptions)) (*Archive, error) {
	l, err := listDir(ctx, dir, nil, optFns)
	if err != nil {
		return nil, err
	}
	defer l.close()
	return l.hash(ctx)
}

// hash reads the listed files.
func (l *lister) hash(ctx context.Context) (*Archive, error) {
	p := &packer{lister: l, sum: sha256.New()}
	if err := p.run(ctx, func(*part) error { return nil }); err != nil {
		return nil, err
	}
	return p.archive(), nil
}
