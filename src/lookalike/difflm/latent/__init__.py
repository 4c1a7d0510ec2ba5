"""The diffusion prior over the latents."""
