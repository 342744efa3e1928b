"""From a folder of pictures with annotations to a configuration that trains well on this machine."""
