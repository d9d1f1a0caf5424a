package fake

import "time"

// Quotas are the limits of an account in a region. Zero means no limit.
type Quotas struct {
	// ConcurrentBuilds limits the versions that are built at the same time. The service
	// allows 10.
	ConcurrentBuilds int
	// Images limits the images. The service allows 100; its error message is not on
	// record.
	Images int
	// VersionsPerImage limits the versions of an image. The service allows 50; its error
	// message is not on record.
	VersionsPerImage int
	// TagsPerImage limits the tags of an image. AWS allows 50 on most resources; for this
	// service neither the limit nor its error is on record.
	TagsPerImage int
	// MemoryInMiB limits the memory of builds and of MicroVMs that have not ended. New
	// accounts of the service have 4 to 8 GiB.
	MemoryInMiB int
}

// WithQuotas sets the quotas of each account and region. By default there are none.
func WithQuotas(q Quotas) Option {
	return func(c *config) { c.quotas = q }
}

func (c *call) roomForImage() error {
	if limit := c.server.config.quotas.Images; limit > 0 && c.world.alive(c.now) >= limit {
		return overQuota("Account %s has reached the maximum number of MicroVM images allowed.", c.scope.account)
	}
	return c.roomToBuild()
}

func (c *call) roomForVersion(img *image) error {
	if limit := c.server.config.quotas.VersionsPerImage; limit > 0 && len(img.versions) >= limit {
		return overQuota("MicroVM image %s has reached the maximum number of versions allowed.", img.arn)
	}
	return c.roomToBuild()
}

// roomForTags checks a number of tags against the quota.
func (c *call) roomForTags(tags int) *failure {
	if limit := c.server.config.quotas.TagsPerImage; limit > 0 && tags > limit {
		return invalid("A resource can have at most %d tags.", limit)
	}
	return nil
}

func (c *call) roomToBuild() error {
	if limit := c.server.config.quotas.ConcurrentBuilds; limit > 0 && c.world.building(c.now) >= limit {
		return c.tooManyBuilds()
	}
	return nil
}

func (c *call) tooManyBuilds() error {
	return overQuota("Account %s has reached the maximum number of concurrent builds allowed.", c.scope.account)
}

func (c *call) roomToRun(memory int32) error {
	if limit := c.server.config.quotas.MemoryInMiB; limit > 0 && c.world.memory(c.now)+int(memory) > limit {
		return tooMuchMemory()
	}
	return nil
}

func tooMuchMemory() error {
	return overQuota("The base maximum allocated memory limit has been reached for this account.")
}

// alive returns the number of images that are not deleted.
func (w *world) alive(now time.Time) int {
	w.sweep(now)
	return len(w.order)
}

// building returns the number of versions that are being built.
func (w *world) building(now time.Time) int {
	n := 0
	for _, img := range w.order {
		for _, v := range img.versions {
			if v.building(now) {
				n++
			}
		}
	}
	return n
}

// memory returns the memory in use, in MiB. Each build runs in its own MicroVM.
func (w *world) memory(now time.Time) int {
	total := 0
	for _, vm := range w.microVMOrder {
		if vm.live(now) {
			total += int(vm.memory)
		}
	}
	for _, img := range w.order {
		for _, v := range img.versions {
			if v.building(now) {
				total += len(v.builds) * int(*v.config.Resources[0].MinimumMemoryInMiB)
			}
		}
	}
	return total
}
