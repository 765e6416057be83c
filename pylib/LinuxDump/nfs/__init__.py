"""Owns NFS and the RPC that it goes by: mounts, servers, requests, state.

Structs of modules come from the modules' own types in the dump, which kernels have since 5.11.
"""
