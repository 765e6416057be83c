"""The programs that are crash commands of their own; run as a program, it lists them."""

# name, short text, synopsis, help; only those that the archive holds are registered
COMMANDS = ()

if __name__ == "__main__":
    for name, short, _synopsis, _help in COMMANDS:
        print(f"{name:<12} {short}")
