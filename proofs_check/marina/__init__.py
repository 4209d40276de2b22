"""MARINA: messages of gradient differences, now and then the gradients."""
