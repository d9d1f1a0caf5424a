package chaos

import (
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// truth is the part of the server's state that belongs to a worker.
type truth struct {
	images []fake.ImageSnapshot
	vms    []fake.MicroVMSnapshot
}

func (w *worker) look() truth {
	all := w.srv.Snapshot()
	return truth{
		images: slices.DeleteFunc(all.Images, func(i fake.ImageSnapshot) bool { return !strings.HasPrefix(i.Name, w.prefix) }),
		vms:    slices.DeleteFunc(all.MicroVMs, func(v fake.MicroVMSnapshot) bool { return !strings.Contains(v.ImageARN, ":"+w.prefix) }),
	}
}

func (t truth) image(id string) *fake.ImageSnapshot {
	for i := range t.images {
		if t.images[i].ID == id {
			return &t.images[i]
		}
	}
	return nil
}

func (t truth) vm(id string) *fake.MicroVMSnapshot {
	for i := range t.vms {
		if t.vms[i].ID == id {
			return &t.vms[i]
		}
	}
	return nil
}

func versionOf(img *fake.ImageSnapshot, name string) *fake.VersionSnapshot {
	if img == nil {
		return nil
	}
	for i := range img.Versions {
		if img.Versions[i].Version == name {
			return &img.Versions[i]
		}
	}
	return nil
}

// delta lists what a call added to the state.
type delta struct {
	images   []string // ids
	versions []string // names
	vms      []string // ids
	builds   int
}

func between(before, after truth) delta {
	var d delta
	for _, img := range after.images {
		was := before.image(img.ID)
		if was == nil {
			d.images = append(d.images, img.ID)
		}
		for _, v := range img.Versions {
			if versionOf(was, v.Version) == nil {
				d.versions = append(d.versions, v.Version)
				d.builds += len(v.Builds)
			}
		}
	}
	for _, vm := range after.vms {
		if before.vm(vm.ID) == nil {
			d.vms = append(d.vms, vm.ID)
		}
	}
	return d
}

func deleted(img *fake.ImageSnapshot) bool {
	return img == nil || img.State == types.MicroVMImageStateDeleting || img.State == types.MicroVMImageStateDeleted
}

func versionDeleted(v *fake.VersionSnapshot) bool {
	return v == nil || v.State == types.MicroVMImageVersionStateDeleting || v.State == types.MicroVMImageVersionStateDeleted
}

func ended(vm *fake.MicroVMSnapshot) bool {
	return vm == nil || vm.State == types.MicroVMStateTerminating || vm.State == types.MicroVMStateTerminated
}

func asleep(vm *fake.MicroVMSnapshot) bool {
	return vm.State == types.MicroVMStateSuspending || vm.State == types.MicroVMStateSuspended
}
