"""Owns SCSI hosts, targets and devices.

Must not know any driver: those are modules of this package.
"""

from __future__ import annotations

import sys      # noqa: F401 - programs take these from here
from collections import OrderedDict, defaultdict  # noqa: F401 - likewise
from typing import Any

from LinuxDump.absent import Late, absent
from LinuxDump.kobjects import klistAll  # noqa: F401 - likewise
from LinuxDump.sysfs import blockdev_name, gendev2sd, sysfs_fullpath  # noqa: F401 - likewise
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import EnumInfo, container_of, pylog, struct_exists

# include/scsi/scsi_proto.h: TYPE_DISK and following
_TYPES = ("Direct-Access", "Sequential-Access", "Printer", "Processor", "WORM", "CD-ROM",
          "Scanner", "Optical Device", "Medium Changer", "Communications", "ASC IT8", "ASC IT8",
          "RAID", "Enclosure", "Direct-Access-RBC", "Optical card", "Bridge controller",
          "Object storage", "Automation/Drive", "Security Manager", "Direct-Access-ZBC")
_WELL_KNOWN, _NO_DEVICE = 0x1e, 0x1f
_WIDTH = 17

enum_shost_state = Late(lambda: EnumInfo("enum scsi_host_state"))
enum_st_state = Late(lambda: EnumInfo("enum scsi_target_state"))

(get_Scsi_Hosts_from_class, scsi_device_lookup, get_SCSI_devices, get_all_SCSI, get_shost_states,
 print_Scsi_Host, starget_to_rport, scsi_is_fc_rport, print_scsi_dev_cmnds, print_SCSI_devices,
 req2scsi_info, get_queue_requests, get_scsi_devices, get_scsi_commands) = absent(
     __name__, "get_Scsi_Hosts_from_class", "scsi_device_lookup", "get_SCSI_devices",
     "get_all_SCSI", "get_shost_states", "print_Scsi_Host", "starget_to_rport", "scsi_is_fc_rport",
     "print_scsi_dev_cmnds", "print_SCSI_devices", "req2scsi_info", "get_queue_requests",
     "get_scsi_devices", "get_scsi_commands")


def scsi_debuginfo_OK(printwarn: bool = True) -> bool:
    """Are the types of SCSI known."""
    if struct_exists("struct scsi_device"):
        return True
    if printwarn:
        pylog.warning("+++Cannot find symbolic info for <struct scsi_device>\n"
                      "   it is in module scsi_mod, which has none or is not loaded")
    return False


def scsi_device_type(n: int) -> str:
    """What kind of device it is, in 17 letters."""
    if 0 <= n < len(_TYPES):
        name = _TYPES[n]
    else:
        name = {_WELL_KNOWN: "Well-known LUN", _NO_DEVICE: "No Device"}.get(n, "Unknown")
    return f"{name:<{_WIDTH}}"


def scsi_target(sdev: Any) -> Any:
    """struct scsi_target of a struct scsi_device."""
    return container_of(sdev.sdev_gendev.parent, "struct scsi_target", "dev")
