"""Owns NFSv4's clients, servers, states and delegations.

Must not know RPC.
"""

from __future__ import annotations

from LinuxDump.absent import Late, absent
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import EnumInfo

NFS4_CLIENT_STATE = Late(lambda: EnumInfo("enum nfs4_client_state"))

nfs_client, nfs_server, nfs_delegation, nfs4_state_owner, nfs4_state = absent(
    __name__, "nfs_client", "nfs_server", "nfs_delegation", "nfs4_state_owner", "nfs4_state")
