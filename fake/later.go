package fake

import "github.com/microvm-go/lambdamicrovms"

func (c *call) runMicroVM(*lambdamicrovms.RunMicroVMInput) (*lambdamicrovms.RunMicroVMOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) getMicroVM(*lambdamicrovms.GetMicroVMInput) (*lambdamicrovms.GetMicroVMOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) listMicroVMs(*lambdamicrovms.ListMicroVMsInput) (*lambdamicrovms.ListMicroVMsOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) suspendMicroVM(*lambdamicrovms.SuspendMicroVMInput) (*lambdamicrovms.SuspendMicroVMOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) resumeMicroVM(*lambdamicrovms.ResumeMicroVMInput) (*lambdamicrovms.ResumeMicroVMOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) terminateMicroVM(*lambdamicrovms.TerminateMicroVMInput) (*lambdamicrovms.TerminateMicroVMOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) createMicroVMAuthToken(*lambdamicrovms.CreateMicroVMAuthTokenInput) (*lambdamicrovms.CreateMicroVMAuthTokenOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) createMicroVMShellAuthToken(*lambdamicrovms.CreateMicroVMShellAuthTokenInput) (*lambdamicrovms.CreateMicroVMShellAuthTokenOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) tagResource(*lambdamicrovms.TagResourceInput) (*lambdamicrovms.TagResourceOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) untagResource(*lambdamicrovms.UntagResourceInput) (*lambdamicrovms.UntagResourceOutput, error) {
	return nil, notBuilt(c.operation)
}

func (c *call) listTags(*lambdamicrovms.ListTagsInput) (*lambdamicrovms.ListTagsOutput, error) {
	return nil, notBuilt(c.operation)
}
