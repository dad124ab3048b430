//! Every family, given tensors of wrong form.
